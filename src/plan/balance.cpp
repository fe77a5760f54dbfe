// SPDX-License-Identifier: Apache-2.0
#include "plan/balance.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

namespace irqtune::planning {

namespace {

/// The state of a placement in the making.
struct Loads {
  std::vector<double> load;
  std::vector<std::size_t> count;
  std::set<int> cores;  // With a primary.
};

bool in_reach(const Problem& problem, const Ball& ball, const Bin& bin) {
  return std::ranges::binary_search(problem.reaches[ball.reach], bin.group);
}

bool is_free_core(const Loads& loads, const Bin& bin) {
  return bin.first && !loads.cores.contains(bin.core);
}

void put(const Problem& problem, std::size_t ball, std::size_t bin, Loads& loads) {
  loads.load[bin] += problem.balls[ball].weight;
  ++loads.count[bin];
  if (problem.balls[ball].role == Role::primary) {
    loads.cores.insert(problem.bins[bin].core);
  }
}

std::optional<std::size_t> best_bin(const Problem& problem, const Ball& ball, const Loads& loads) {
  const auto key = [&](std::size_t i) {
    const auto& bin = problem.bins[i];
    const bool primary = ball.role == Role::primary;
    const bool wrong_thread = primary ? !is_free_core(loads, bin) : bin.first;
    const bool far = ball.llcs == nullptr || !std::ranges::binary_search(*ball.llcs, bin.llc);
    return std::tuple(wrong_thread, loads.load[i], far, loads.count[i], bin.cpu);
  };
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < problem.bins.size(); ++i) {
    const auto& bin = problem.bins[i];
    if (in_reach(problem, ball, bin) && loads.count[i] < bin.slots &&
        (!best || key(i) < key(*best))) {
      best = i;
    }
  }
  return best;
}

}  // namespace

Placement solve(const Problem& problem) {
  Loads loads;
  for (const auto& bin : problem.bins) {
    loads.load.push_back(bin.base);
    loads.count.push_back(0);
  }
  Placement placement(problem.balls.size());
  std::vector<std::size_t> movers;
  for (std::size_t i = 0; i < problem.balls.size(); ++i) {
    const auto& ball = problem.balls[i];
    if (ball.current && loads.count[*ball.current] < problem.bins[*ball.current].slots) {
      placement[i] = ball.current;
      put(problem, i, *ball.current, loads);
    } else {
      movers.push_back(i);
    }
  }
  std::ranges::stable_sort(movers, [&](std::size_t a, std::size_t b) {
    const auto& x = problem.balls[a];
    const auto& y = problem.balls[b];
    return std::tuple(x.role, -x.weight) < std::tuple(y.role, -y.weight);
  });
  for (const auto i : movers) {
    placement[i] = best_bin(problem, problem.balls[i], loads);
    if (placement[i]) {
      put(problem, i, *placement[i], loads);
    }
  }
  return placement;
}

}  // namespace irqtune::planning
