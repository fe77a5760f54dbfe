// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/plan.h"
#include "irqtune/sys/sysfs.h"

#include <string>
#include <vector>

namespace irqtune {

/// What to say of programs that would undo the plan's changes: a warning each, with what keeps it
/// off on the lines behind the first. Empty if the plan changes nothing. With `strict`, throws
/// Error{applying} instead.
[[nodiscard]] std::vector<std::string> meddler_warnings(const Plan& plan,
                                                        bool strict,
                                                        const Sysfs& sysfs);

/// What no run by night should pass over: vectors that stay on vCPUs' cores although nobody said
/// that they should. Empty if none does. `selection`: the options that select and place.
[[nodiscard]] std::vector<std::string> stuck_warnings(const Plan& plan,
                                                      const std::string& selection);

}  // namespace irqtune
