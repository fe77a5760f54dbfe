// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"

#include "cli/commands.h"

#include <string_view>

namespace irqtune {

/// Puts the names of this host's VMs in the place of globs in --vm-policy. Throws Error{usage} if a
/// --device, --vm or --vm-policy means nothing on this host, with what there is and the nearest
/// spelling; of one in the configuration file, which must do on days when a VM is off as well, that
/// is one of the host's warnings.
void settle_selection(Host& host, Policy& policy, const Invocation& call);

/// Did the configuration file give the option ("--sample")?
[[nodiscard]] bool is_configured(const Invocation& call, std::string_view option);

}  // namespace irqtune
