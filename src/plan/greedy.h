// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/hierarchy.h"
#include "plan/state.h"

#include <vector>

namespace irqtune::planning {

/// Puts `balls` into the state, the heaviest first, each into the least loaded bin that the
/// hierarchy allows; of bins with about the same load into one that shares a cache with its VM.
void fill(State& state, std::vector<std::size_t> balls, Cover cover);

}  // namespace irqtune::planning
