// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/plan.h"

#include "cli/commands.h"

#include <string>

namespace irqtune {

/// The plan in the file `given` ("-": standard input), to be carried out as it stands: it names
/// what it needs by key, so that it holds on a host that moved on. A warning tells if that was
/// another boot. Throws Error{usage} if it cannot be read or does not validate and, unless `force`,
/// if it was changed by hand, has no digest or host, or was made on another host.
[[nodiscard]] Plan plan_from_file(const Context& context, const std::string& given, bool force);

/// Throws Error{usage} if the plan from the file `path` wants a CPU that is not online and, unless
/// `force`, one that is protected now.
void check_plan_fits(const Plan& plan, const Context& context, const std::string& path, bool force);

}  // namespace irqtune
