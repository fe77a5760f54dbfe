// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/plan/drift.h"

#include "cli/support.h"

namespace irqtune {

/// What `check` finds: the host, a fresh plan, and what has drifted from that and from what was
/// applied.
struct Checked {
  Planned planned;
  Drift drift;
};

[[nodiscard]] Checked check_host(const Context& context,
                                 const PolicyOptions& options,
                                 Strictness strictness = Strictness::placed);

}  // namespace irqtune
