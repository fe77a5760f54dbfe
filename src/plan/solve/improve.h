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

/// By this share a step must lighten a bin to be one at all.
inline constexpr double kLeastGain = 1e-6;

/// How even is even enough.
struct Evenness {
  double gain = 0.02;       ///< The share by which a step must lighten the fuller bin.
  bool keeps_cache = true;  ///< Nothing leaves its VM's cache for it.
};

/// Then the spread: as `improve`, for every bin above the mean, as far as single moves and swaps
/// gain anything.
void even_out(State& state, const std::vector<bool>& movable, const Evenness& evenness = {});

}  // namespace irqtune::planning
