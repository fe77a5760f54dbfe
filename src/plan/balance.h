// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/plan.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace irqtune::planning {

/// A CPU of a balancing problem.
struct Bin {
  int cpu = 0;
  int core = 0;           ///< Equal for the threads of a physical core.
  int llc = -1;           ///< Of the last-level cache; -1 where unknown.
  std::size_t group = 0;  ///< Index of its node among the problem's groups.
  bool first = true;      ///< The first candidate thread of its core.
  double base = 0;        ///< Load that stays there whatever is planned.
  std::size_t slots = 0;  ///< How many vectors it may take.
};

/// A vector of a balancing problem.
struct Ball {
  double weight = 0;
  Role role = Role::primary;
  std::size_t reach = 0;                   ///< Index into Problem::reaches.
  std::optional<std::size_t> current;      ///< Bin where it is, if that one will do.
  bool in_place = false;                   ///< Staying at `current` takes no write.
  std::size_t device = 0;                  ///< Equal for the vectors of one device.
  const std::vector<int>* llcs = nullptr;  ///< Caches of its VM, ascending; may be nullptr.
};

/// Where may which vector go, and what does each weigh. Bins are by CPU number.
struct Problem {
  std::vector<Bin> bins;
  std::vector<Ball> balls;
  std::vector<std::vector<std::size_t>> reaches;  ///< Groups, ascending.
  double min_gain = 0.1;  ///< Share by which the largest load may exceed the best, to keep balls.
  bool rebalance = false;
};

/// A bin for each ball; empty where every bin in its reach is full.
using Placement = std::vector<std::optional<std::size_t>>;

[[nodiscard]] Placement solve(const Problem& problem);

}  // namespace irqtune::planning
