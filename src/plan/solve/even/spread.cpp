// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/even/spread.h"

#include "plan/solve/even/evener.h"
#include "plan/solve/improve.h"
#include "plan/solve/search/repack.h"
#include "plan/solve/shelf.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace irqtune::planning {

namespace {

constexpr double kNoLimit = std::numeric_limits<double>::max();

/// A group by itself, with the balls that a placement puts there.
struct Node {
  Problem problem;
  std::vector<std::size_t> balls;  ///< Of the whole.
  std::vector<std::size_t> bins;   ///< Of the whole.
  std::vector<bool> movable;
  Placement now;
};

std::vector<Node> nodes_of(const Problem& problem,
                           const Placement& placement,
                           const std::vector<bool>& free) {
  std::vector<Node> nodes;
  std::vector<std::size_t> bin_in_node(problem.bins.size());
  for (std::size_t i = 0; i < problem.bins.size(); ++i) {
    auto bin = problem.bins[i];
    nodes.resize(std::max(nodes.size(), bin.group + 1));
    auto& node = nodes[bin.group];
    bin_in_node[i] = node.bins.size();
    node.bins.push_back(i);
    bin.group = 0;
    node.problem.bins.push_back(bin);
  }
  for (std::size_t i = 0; i < placement.size(); ++i) {
    if (!placement[i]) {
      continue;
    }
    auto ball = problem.balls[i];
    auto& node = nodes[problem.bins[*placement[i]].group];
    ball.reach = 0;
    ball.current.reset();
    ball.in_place = false;
    node.problem.balls.push_back(ball);
    node.balls.push_back(i);
    node.movable.push_back(free[i]);
    node.now.emplace_back(bin_in_node[*placement[i]]);
  }
  for (auto& node : nodes) {
    node.problem.reaches = {{Reach{}}};
    node.problem.effort = problem.effort / nodes.size();
    node.problem.rebalance = problem.rebalance;
  }
  return nodes;
}

State as_placed(const Node& node) {
  State state(node.problem);
  for (std::size_t i = 0; i < node.now.size(); ++i) {
    state.put(i, *node.now[i]);
  }
  return state;
}

double deviation(const State& state) {
  const double mean = state.mean_load();
  double sum = 0;
  for (std::size_t bin = 0; bin < state.problem().bins.size(); ++bin) {
    sum += (state.load(bin) - mean) * (state.load(bin) - mean);
  }
  return sum;
}

/// The largest load of a bin with a ball that may move.
double largest_free(const State& state, const std::vector<bool>& movable) {
  double largest = 0;
  for (std::size_t bin = 0; bin < state.problem().bins.size(); ++bin) {
    if (std::ranges::any_of(state.balls(bin), [&](std::size_t ball) { return movable[ball]; })) {
      largest = std::max(largest, state.load(bin));
    }
  }
  return largest;
}

bool is_within(const State& state, const Disorder& most) {
  const auto now = disorder_in(state.problem(), state.placement());
  return now.open <= most.open && now.misplaced <= most.misplaced;
}

/// What another arrangement of a node must keep to.
struct Bounds {
  double limit = 0;
  Disorder disorder;

  [[nodiscard]] bool hold(const State& state, const std::vector<bool>& movable) const {
    return is_within(state, disorder) && largest_free(state, movable) <= limit;
  }
};

Bounds bounds_of(const State& state, const std::vector<bool>& movable) {
  constexpr double kRounding = 1e-9;
  return {largest_free(state, movable) * (1 + kRounding),
          disorder_in(state.problem(), state.placement())};
}

/// Longest first: each ball into the least loaded bin that the hierarchy gives it.
class Greedy {
 public:
  /// `eager`: primaries cover first threads as long as one is open; else only once they must.
  Greedy(const Node& node, std::size_t open, bool eager)
      : node_(node), state_(node.problem), eager_(eager) {
    for (std::size_t i = 0; i < node.balls.size(); ++i) {
      if (!node.movable[i]) {
        state_.put(i, *node.now[i]);
      } else {
        order_.push_back(i);
        primaries_ += is_primary(i) ? 1U : 0U;
      }
    }
    const auto now = disorder_in(node.problem, state_.placement()).open;
    owed_ = now - std::min(now, open);
    std::ranges::stable_sort(
        order_, {}, [&](std::size_t i) { return -node.problem.balls[i].weight; });
  }

  /// Empty if a ball finds no slot.
  std::optional<State> run() {
    for (const auto ball : order_) {
      const auto bin = is_primary(ball) ? for_primary(ball) : for_auxiliary(ball);
      if (!bin) {
        return std::nullopt;
      }
      owed_ -= owed_ > 0 && is_primary(ball) && state_.kind(*bin) == BinKind::open ? 1U : 0U;
      primaries_ -= is_primary(ball) ? 1U : 0U;
      state_.put(ball, *bin);
    }
    return std::move(state_);
  }

 private:
  [[nodiscard]] bool is_primary(std::size_t ball) const {
    return node_.problem.balls[ball].role == Role::primary;
  }

  [[nodiscard]] std::optional<std::size_t> for_primary(std::size_t ball) const {
    const bool must = eager_ || owed_ >= primaries_;
    const auto open = must ? least_loaded(ball, BinKind::open) : std::nullopt;
    return open ? open : least_loaded(ball, {});
  }

  [[nodiscard]] std::optional<std::size_t> for_auxiliary(std::size_t ball) const {
    const auto sibling = least_loaded(ball, BinKind::sibling);
    return sibling ? sibling : least_loaded(ball, {});
  }

  [[nodiscard]] std::optional<std::size_t> least_loaded(std::size_t ball,
                                                        std::optional<BinKind> kind) const {
    const double weight = node_.problem.balls[ball].weight;
    std::optional<std::pair<double, Rank>> best;
    for (const auto& cell : state_.cells()) {
      if (cell.bins.empty() || (kind && kind != cell.kind)) {
        continue;
      }
      const auto& rank = *cell.bins.begin();
      const std::pair key(rank.load + weight * cell.per_weight, rank);
      if (!best || key < *best) {
        best = key;
      }
    }
    return best ? std::optional(best->second.bin) : std::nullopt;
  }

  const Node& node_;
  State state_;
  bool eager_;
  std::vector<std::size_t> order_;
  std::size_t primaries_ = 0;  // Still to place.
  std::size_t owed_ = 0;       // So many of them have to go to open first threads.
};

/// What longest-first greedy makes of the node, as far as that keeps the hierarchy.
std::vector<State> greedy(const Node& node, const Disorder& most) {
  std::vector<State> made;
  for (const bool eager : {true, false}) {
    auto state = Greedy(node, most.open, eager).run();
    if (state && is_within(*state, most)) {
      made.push_back(std::move(*state));
    }
  }
  return made;
}

double least_deviation(const std::vector<State>& states) {
  double least = kNoLimit;
  for (const auto& state : states) {
    least = std::min(least, deviation(state));
  }
  return least;
}

/// About as good as the best, and no worse than greedy.
double limit_for(double best, double greedy) {
  constexpr double kAsGood = 0.04;  // Of the standard deviation; within the 5 % that are promised.
  constexpr double kRounding = 1e-9;
  const double about = best * (1 + kAsGood) * (1 + kAsGood);
  return std::max(best, std::min(about, greedy)) * (1 + kRounding) + kRounding;
}

State evened(State state, const std::vector<bool>& movable) {
  even_out(state, movable, {kLeastGain, false});
  return state;
}

/// The most even arrangement that is found from these.
State most_even(const Node& node, const std::vector<State>& from, double limit) {
  std::vector<State> made;
  made.reserve(from.size());
  for (const auto& state : from) {
    made.push_back(evened(state, node.movable));
  }
  const auto best = std::ranges::min_element(made, {}, squares);
  return search_even(std::move(*best), node.movable, limit);
}

/// The node's balls, spread.
/// Where all may move, what it is held against must not depend on where they are, or the next plan
/// would find another measure.
Placement spread_node(const Node& node) {
  auto now = as_placed(node);
  if (!node.problem.rebalance && node.balls.size() <= kMostToPack) {
    improve(now, node.movable, load_bound(node.problem));
  }
  const auto bounds = bounds_of(now, node.movable);
  auto start = greedy(node, bounds.disorder);
  const double by_greed = least_deviation(start);
  if (!node.problem.rebalance) {
    start.push_back(now);
  }
  if (start.empty()) {
    return now.placement();
  }
  const auto best = most_even(node, start, node.problem.rebalance ? kNoLimit : bounds.limit);
  if (!bounds.hold(best, node.movable)) {
    return now.placement();
  }
  const double limit = limit_for(deviation(best), by_greed);
  if (deviation(now) <= limit) {
    return now.placement();
  }
  const auto near = evened(now, node.movable);
  const bool suffices = deviation(near) <= limit && bounds.hold(near, node.movable);
  return suffices ? near.placement() : best.placement();
}

}  // namespace

std::vector<bool> free_to_spread(const Problem& problem, const Placement& placement) {
  std::vector<bool> free;
  for (std::size_t i = 0; i < placement.size(); ++i) {
    const auto& ball = problem.balls[i];
    const bool stays = ball.in_place && ball.current == placement[i];
    free.push_back(placement[i] && (problem.rebalance || !stays));
  }
  return free;
}

std::vector<double> deviations(const Problem& problem, const std::vector<double>& loads) {
  std::vector<double> mean;
  std::vector<double> count;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const auto group = problem.bins[i].group;
    mean.resize(std::max(mean.size(), group + 1));
    count.resize(mean.size());
    mean[group] += loads[i];
    ++count[group];
  }
  std::vector<double> made(mean.size());
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const auto group = problem.bins[i].group;
    const double away = loads[i] - mean[group] / count[group];
    made[group] += away * away;
  }
  return made;
}

std::vector<double> deviation_limits(const Problem& problem, const Placement& best) {
  std::vector<double> limits;
  for (const auto& node : nodes_of(problem, best, free_to_spread(problem, best))) {
    const auto now = as_placed(node);
    const auto made = greedy(node, disorder_in(node.problem, node.now));
    limits.push_back(limit_for(deviation(now), least_deviation(made)));
  }
  return limits;
}

Placement spread_out(const Problem& problem, Placement placement, const std::vector<bool>& free) {
  for (const auto& node : nodes_of(problem, placement, free)) {
    if (std::ranges::find(node.movable, true) == node.movable.end()) {
      continue;
    }
    const auto found = spread_node(node);
    for (std::size_t i = 0; i < found.size(); ++i) {
      placement[node.balls[i]] = node.bins[*found[i]];
    }
  }
  return placement;
}

}  // namespace irqtune::planning
