// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/shelf.h"

#include <compare>
#include <optional>
#include <vector>

namespace irqtune::planning {

/// What a placement costs those that are somewhere already; smaller is better.
struct Moves {
  std::size_t moved = 0;      ///< Balls in place that leave it.
  std::size_t displaced = 0;  ///< Other balls that leave their current bin.
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 mistakes the defaulted operator
  friend auto operator<=>(const Moves&, const Moves&) = default;
};

[[nodiscard]] Moves moves_in(const Problem& problem, const Placement& placement);

/// What a placement must not exceed.
struct Terms {
  double limit = 0;  ///< Largest load, but for bins where all balls may stay.
  std::vector<bool> may_stay;
  Disorder disorder;
};

/// The placement within `terms` with the fewest moves that a search finds, if it has fewer than
/// `most`. Only for problems with few balls; empty optional for others.
[[nodiscard]] std::optional<Placement> keep_most(const Problem& problem,
                                                 const Terms& terms,
                                                 const Moves& most);

}  // namespace irqtune::planning
