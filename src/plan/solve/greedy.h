// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/flow/hierarchy.h"
#include "plan/solve/state.h"

#include <vector>

namespace irqtune::planning {

/// Puts `balls` into the state, the heaviest first, each into the least loaded bin that the
/// hierarchy allows; of bins with about the same load into one that shares a cache with its VM.
/// Each `variation` but 0 takes the balls in an order of its own, about by weight.
void fill(State& state, std::vector<std::size_t> balls, Cover cover, std::uint32_t variation = 0);

}  // namespace irqtune::planning
