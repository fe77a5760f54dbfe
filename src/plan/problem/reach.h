// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/problem/problem.h"
#include "plan/solve/balance.h"

#include <vector>

namespace irqtune::planning {

/// The balancing problem of a host: which vectors may go to which nodes.
struct Reachable {
  Problem problem;
  std::vector<std::size_t> planned;  ///< The item of each ball.
  bool spills = false;               ///< Budgets keep some vectors from their nearest node.
};

/// The problem of all items without target or block. Items that fit nowhere are blocked: `budget`.
[[nodiscard]] Reachable make_problem(const Index& index,
                                     const std::vector<Site>& sites,
                                     std::vector<Item>& items);

}  // namespace irqtune::planning
