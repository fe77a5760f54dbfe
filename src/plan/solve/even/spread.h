// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/state.h"

#include <vector>

namespace irqtune::planning {

/// Balls that cost no more wherever in their group they go: those that are not in place where the
/// placement has them, or all of them to rebalance.
[[nodiscard]] std::vector<bool> free_to_spread(const Problem& problem, const Placement& placement);

/// By group: the largest sum of squared deviations from the mean load that is about as good as
/// that of `best`, and no more than what longest-first greedy makes of the same.
[[nodiscard]] std::vector<double> deviation_limits(const Problem& problem, const Placement& best);

/// By group: the sum of squared deviations of its bins' loads from their mean.
[[nodiscard]] std::vector<double> deviations(const Problem& problem,
                                             const std::vector<double>& loads);

/// The placement with what is free to spread evened out within each group, where that makes it more
/// even by more than a little or than longest-first greedy: with the hierarchy as it is, no larger
/// load, and nothing on another group than before.
[[nodiscard]] Placement spread_out(const Problem& problem,
                                   Placement placement,
                                   const std::vector<bool>& free);

}  // namespace irqtune::planning
