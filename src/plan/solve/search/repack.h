// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/state.h"

#include <cstddef>
#include <utility>
#include <vector>

namespace irqtune::planning {

/// Searches among more balls make no sense.
inline constexpr std::size_t kMostToPack = 24;

/// How far a search goes.
struct Effort {
  double enough = 0;      ///< A largest load that needs no improvement.
  std::size_t steps = 0;  ///< Balls put into bins, in all.
};

/// How some bins could share what they hold.
struct Repacking {
  double largest = 0;  ///< Largest load of those that hold something, afterwards.
  std::vector<std::pair<std::size_t, std::size_t>> moves;  ///< Balls that move, and their new bins.
  std::size_t steps = 0;                                   ///< What the search took.
  bool complete = false;  ///< Nothing has a smaller largest load, or it is small enough.
};

/// The arrangement of the movable balls of `bins` among these bins with the smallest largest load
/// that the search finds: of those where as many first threads have a primary as now, no more
/// auxiliaries are on first threads, and no budget is passed. Without `moves` if that is the
/// present one. Bins with more balls than a search makes sense for are left as they are.
[[nodiscard]] Repacking repack(const State& state,
                               const std::vector<bool>& movable,
                               const std::vector<std::size_t>& bins,
                               const Effort& effort);

}  // namespace irqtune::planning
