// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/settle.h"

#include "cli/support.h"

#include <optional>
#include <string>
#include <vector>

namespace irqtune {

/// What --wait-stable and --wait-for wait for, of a host as it is: the devices that `policy`
/// selects, and why they are not all there yet. A running VM that holds a device without a vector
/// is a guest that has not booted.
[[nodiscard]] Awaited awaited(const ApplyCommand& options, const Policy& policy, const Host& host);

/// Throws Error{usage} if the wait cannot end well.
void check_wait(const ApplyCommand& options);

/// Waits as the options say. Returns what was still missing when the time was up, a line each;
/// nothing if it all came. Throws Error{applying} if a signal ended the wait.
[[nodiscard]] std::vector<std::string> wait_for_vectors(const ApplyCommand& options,
                                                        const std::optional<Plan>& given,
                                                        const Context& context);

}  // namespace irqtune
