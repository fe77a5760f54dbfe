// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/state.h"

#include <cstddef>
#include <vector>

namespace irqtune::planning {

/// How two bins could share what they hold.
struct Division {
  double larger = 0;                   ///< The larger load of the two afterwards.
  std::vector<std::size_t> to_first;   ///< Balls that leave the second bin for the first.
  std::vector<std::size_t> to_second;  ///< And the other way.
  std::size_t work = 0;                ///< Divisions looked at.
};

/// The division of the movable balls of two bins with the smallest larger load: of those where no
/// first thread loses its last primary, no auxiliary comes to a first thread from a sibling, and no
/// budget is passed. Bins with more than a few such balls are left as they are: there single moves
/// and swaps do as well.
[[nodiscard]] Division divide_anew(const State& state,
                                   const std::vector<bool>& movable,
                                   std::size_t first,
                                   std::size_t second);

}  // namespace irqtune::planning
