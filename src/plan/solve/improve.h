// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/state.h"

#include <vector>

namespace irqtune::planning {

/// Moves and swaps balls for which `movable` is true until no bin carries more than `target`, or
/// neither a move, nor a swap, nor another packing of some bins makes the fullest one lighter.
/// Never uncovers a first thread. True if it is proven that no placement of these balls has a
/// smaller largest load without more first threads uncovered or more auxiliaries on such.
bool improve(State& state, const std::vector<bool>& movable, double target);

/// Then the spread: as `improve`, for every bin above the mean, as far as single moves and swaps
/// gain more than a little; nothing leaves its VM's cache for it.
void even_out(State& state, const std::vector<bool>& movable);

}  // namespace irqtune::planning
