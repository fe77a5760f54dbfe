// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/balance.h"

#include <cstddef>
#include <vector>

namespace irqtune::planning {

/// How the primaries come to cover as many first threads as can be, with the fewest moves.
struct Cover {
  /// owed[reach][group]: so many primaries of that reach have still to go to first threads of that
  /// group which have none.
  std::vector<std::vector<std::size_t>> owed;

  std::vector<std::size_t> released;  ///< Balls that must leave their bin to make it possible.
};

/// `keep[ball]`: it starts in its current bin. Balls that are not kept are free to cover.
[[nodiscard]] Cover cover_first_threads(const Problem& problem, const std::vector<bool>& keep);

}  // namespace irqtune::planning
