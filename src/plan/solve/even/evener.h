// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/state.h"

#include <vector>

namespace irqtune::planning {

/// The sum of the squares of all bins' loads.
[[nodiscard]] double squares(const State& state);

/// Searches, depth first and within the problem's effort, for a placement of the movable balls with
/// a smaller sum of squares: with no more disorder than now, and no load above `limit` where a
/// movable ball goes. For problems of one group; those with too many balls are left as they are.
[[nodiscard]] State search_even(State state, const std::vector<bool>& movable, double limit);

}  // namespace irqtune::planning
