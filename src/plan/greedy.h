// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "plan/hierarchy.h"
#include "plan/state.h"

namespace irqtune::planning {

/// Puts `balls` into the state, the heaviest first, each into the least loaded bin that the
/// hierarchy allows; of bins with about the same load into one that shares a cache with its VM.
void fill(State& state, std::vector<std::size_t> balls, Cover cover);

/// True if an auxiliary may go to the sibling thread of a core in its reach.
[[nodiscard]] std::vector<bool> reaches_with_siblings(const Problem& problem);

}  // namespace irqtune::planning
