// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/state.h"

#include <vector>

namespace irqtune::planning {

/// Moves and swaps balls for which `movable` is true until no bin carries more than `target`, or
/// no single move or swap makes the fullest bin lighter. Never uncovers a first thread.
void improve(State& state, const std::vector<bool>& movable, double target);

}  // namespace irqtune::planning
