// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/plan.h"

#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

/// The balancing problem, free of hosts and devices: balls with weights go into bins. What the two
/// solvers promise is in docs/planning.md.
namespace irqtune::planning {

/// A CPU that may take vectors.
struct Bin {
  int cpu = 0;
  int core = 0;           ///< Equal for the threads of a physical core.
  int llc = -1;           ///< Its last-level cache; -1 where unknown.
  std::size_t group = 0;  ///< Its node, as an index from 0.
  bool first = true;      ///< The first of its core's threads among the bins.
  bool covered = false;   ///< It has a primary already, whatever is planned.
  double base = 0;        ///< Load that stays there whatever is planned.
  std::size_t slots = std::numeric_limits<std::size_t>::max();  ///< How many balls it may take.
  double per_weight = 1;  ///< A ball's weight loads it so many times: more on a slower CPU.
};

/// A vector to place.
struct Ball {
  double weight = 0;  ///< On a CPU of full capacity.
  Role role = Role::primary;
  std::size_t reach = 0;                   ///< Index into Problem::reaches.
  std::optional<std::size_t> current;      ///< The bin where it is, if that one is in reach.
  bool in_place = false;                   ///< Staying at `current` takes no write at all.
  std::size_t device = 0;                  ///< Equal for the vectors of one device.
  const std::vector<int>* llcs = nullptr;  ///< Caches of its VM, ascending; may be nullptr.
};

/// A node that a ball may go to.
struct Reach {
  std::size_t group = 0;
  int cost = 0;  ///< The sum of these is the first thing to keep small; equal within a ring.
};

/// Where may which ball go, and what does each weigh. Bins are by CPU number, and every ball fits:
/// a reach has slots enough for all balls, or is alone in using its groups.
struct Problem {
  std::vector<Bin> bins;
  std::vector<Ball> balls;
  std::vector<std::vector<Reach>> reaches;
  double min_gain = 0.1;  ///< By this share the largest load may exceed the best, to keep balls.
  double ceiling = std::numeric_limits<double>::infinity();  ///< But not beyond this, if need not.
  bool rebalance = false;       ///< Balls in place are kept for a much smaller share only.
  std::size_t effort = 30'000;  ///< Steps of a search by trial: some milliseconds' worth.
};

/// A bin for each ball; empty only where a problem breaks the promise that every ball fits.
using Placement = std::vector<std::optional<std::size_t>>;

struct Solution {
  Placement placement;
  double bound = 0;  ///< No placement with the same hierarchy has a smaller largest load: proven.
};

/// The best placement found, group by group of bins that share balls: exactly the best where that
/// is small enough to search, near it elsewhere.
[[nodiscard]] Solution solve(const Problem& problem);

/// For one connected problem. `solve_exactly` visits every placement; see `is_small`.
[[nodiscard]] bool is_small(const Problem& problem);
[[nodiscard]] Solution solve_exactly(const Problem& problem);
[[nodiscard]] Solution solve_fast(const Problem& problem);

/// The balls as indices: those in place, then the others.
[[nodiscard]] std::vector<std::size_t> in_place_first(const Problem& problem);

/// The largest load of a bin that holds a ball can not be smaller than this, whatever the hierarchy
/// says.
[[nodiscard]] double load_bound(const Problem& problem);

/// A bound from a search that found nothing better than `largest`, which may be summed up in
/// another order elsewhere.
[[nodiscard]] double searched_bound(double largest);

/// The largest load that is still as good as `best`, for the sake of balls that are in place.
[[nodiscard]] double tolerated(const Problem& problem, double best);

/// Balls in place that may stay although other bins carry less: so much else is in their bin, and
/// stays there, that the largest load of all bins would fall by no more than `min_gain` without
/// them.
[[nodiscard]] std::vector<bool> excused(const Problem& problem);

/// Loads that differ by less are about equal: a share of the load that the fullest bin must have.
inline constexpr double kAboutEqual = 0.02;

/// By how much the ball loads the bin.
[[nodiscard]] inline double weight_in(const Ball& ball, const Bin& bin) noexcept {
  return ball.weight * bin.per_weight;
}

/// The least that a weight of 1 loads any of the bins.
[[nodiscard]] double least_per_weight(const std::vector<Bin>& bins);

/// True if the ball may go into the bin.
[[nodiscard]] bool reaches(const Problem& problem, const Ball& ball, const Bin& bin);

/// True if the bin shares a last-level cache with the ball's VM.
[[nodiscard]] bool shares_cache(const Ball& ball, const Bin& bin);

}  // namespace irqtune::planning
