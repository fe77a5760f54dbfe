// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/balance.h"

namespace irqtune::planning {

/// Balls that carry nothing and are written anyway are dealt out by the slots that are left, among
/// bins that are as good to them: of the same group, about the same load, both first threads or
/// both siblings, as close to their VM's cache, and for an auxiliary as close to a primary of its
/// device. A first thread keeps its only primary. They change no load, so that nothing else keeps
/// them from piling up on the least loaded CPU until its budget is used up, where the kernel may
/// have fewer vectors left than that.
[[nodiscard]] Placement dealt_out(const Problem& problem, Placement placement);

}  // namespace irqtune::planning
