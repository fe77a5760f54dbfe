// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/balance.h"

#include "plan/solve/even/deal.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

namespace irqtune::planning {

namespace {

/// Groups that share balls get the same label: the lowest of them.
std::vector<std::size_t> label_groups(const Problem& problem) {
  std::size_t groups = 0;
  for (const auto& bin : problem.bins) {
    groups = std::max(groups, bin.group + 1);
  }
  for (const auto& reach : problem.reaches) {
    for (const auto& place : reach) {
      groups = std::max(groups, place.group + 1);
    }
  }
  std::vector<std::size_t> label(groups);
  std::iota(label.begin(), label.end(), 0U);
  const auto root = [&label](std::size_t group) {
    while (label[group] != group) {
      group = label[group];
    }
    return group;
  };
  for (const auto& reach : problem.reaches) {
    for (const auto& place : reach) {
      const auto a = root(place.group);
      const auto b = root(reach.front().group);
      label[std::max(a, b)] = std::min(a, b);
    }
  }
  for (auto& entry : label) {
    entry = root(entry);
  }
  return label;
}

/// A connected part of a problem, and where its bins and balls are in the whole.
struct Part {
  Problem problem;
  std::vector<std::size_t> bins;
  std::vector<std::size_t> balls;
};

std::vector<Part> split(const Problem& problem) {
  const auto label = label_groups(problem);
  std::vector<Part> parts(label.size());
  std::vector<std::size_t> bin_in_part(problem.bins.size());
  for (auto& part : parts) {
    part.problem.min_gain = problem.min_gain;
    part.problem.ceiling = problem.ceiling;
    part.problem.rebalance = problem.rebalance;
    part.problem.effort = problem.effort / label.size();
  }
  for (std::size_t i = 0; i < problem.bins.size(); ++i) {
    auto& part = parts[label[problem.bins[i].group]];
    bin_in_part[i] = part.bins.size();
    part.bins.push_back(i);
    part.problem.bins.push_back(problem.bins[i]);
  }
  std::vector<std::size_t> reach_in_part(problem.reaches.size());
  for (std::size_t i = 0; i < problem.reaches.size(); ++i) {
    const auto& reach = problem.reaches[i];
    if (!reach.empty()) {
      auto& reaches = parts[label[reach.front().group]].problem.reaches;
      reach_in_part[i] = reaches.size();
      reaches.push_back(reach);
    }
  }
  for (std::size_t i = 0; i < problem.balls.size(); ++i) {
    auto ball = problem.balls[i];
    const auto& reach = problem.reaches[ball.reach];
    if (reach.empty()) {
      continue;
    }
    auto& part = parts[label[reach.front().group]];
    ball.reach = reach_in_part[ball.reach];
    if (ball.current) {
      ball.current = bin_in_part[*ball.current];
    }
    part.balls.push_back(i);
    part.problem.balls.push_back(ball);
  }
  std::erase_if(parts, [](const Part& part) { return part.balls.empty(); });
  return parts;
}

/// The lowest level to which `amount` fills bins that stand at their bases.
double water_level(std::vector<Bin> bins, double amount) {
  std::ranges::sort(bins, {}, &Bin::base);
  double filled = 0;
  double width = 1 / bins.front().per_weight;  // What one more level takes.
  for (std::size_t i = 0; i + 1 < bins.size(); ++i) {
    const double step = (bins[i + 1].base - bins[i].base) * width;
    if (filled + step >= amount) {
      return bins[i].base + (amount - filled) / width;
    }
    filled += step;
    width += 1 / bins[i + 1].per_weight;
  }
  return bins.back().base + (amount - filled) / width;
}

/// Of the k*n+1 heaviest on n bins, k+1 share one: at least the lightest k+1 of them.
double pigeonholes(const std::vector<double>& heaviest_first, std::size_t bins) {
  std::vector<double> sums(heaviest_first.size() + 1);
  std::partial_sum(heaviest_first.begin(), heaviest_first.end(), sums.begin() + 1);
  double bound = 0;
  for (std::size_t k = 0; k * bins < heaviest_first.size(); ++k) {
    const auto end = k * bins + 1;
    bound = std::max(bound, sums[end] - sums[end - (k + 1)]);
  }
  return bound;
}

/// The groups a ball may go to, ascending.
std::vector<std::size_t> groups_of(const std::vector<Reach>& reach) {
  std::vector<std::size_t> groups;
  groups.reserve(reach.size());
  for (const auto& place : reach) {
    groups.push_back(place.group);
  }
  std::ranges::sort(groups);
  return groups;
}

/// Balls that can go nowhere but to `groups` fill the bins of `groups`, whatever the others do.
double bound_within(const Problem& problem, const std::vector<std::size_t>& groups) {
  std::vector<bool> inside;
  for (const auto& reach : problem.reaches) {
    inside.push_back(std::ranges::includes(groups, groups_of(reach)));
  }
  std::vector<Bin> bins;
  for (const auto& bin : problem.bins) {
    if (std::ranges::binary_search(groups, bin.group)) {
      bins.push_back(bin);
    }
  }
  std::vector<double> weights;
  for (const auto& ball : problem.balls) {
    if (inside[ball.reach]) {
      weights.push_back(ball.weight);
    }
  }
  if (weights.empty() || bins.empty()) {
    return 0;
  }
  std::ranges::sort(weights, std::greater<>{});
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double least = std::ranges::min_element(bins, {}, &Bin::base)->base;
  const double sharing = pigeonholes(weights, bins.size()) * least_per_weight(bins);
  return std::max(water_level(std::move(bins), total), least + sharing);
}

/// The greatest over the whole and over each set of groups that some ball is confined to.
double bound_of_part(const Problem& problem) {
  std::set<std::vector<std::size_t>> confines;
  std::vector<std::size_t> all;
  for (const auto& bin : problem.bins) {
    all.push_back(bin.group);
  }
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  confines.insert(all);
  std::vector<bool> used(problem.reaches.size());
  for (const auto& ball : problem.balls) {
    used[ball.reach] = true;
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) {
      confines.insert(groups_of(problem.reaches[i]));
    }
  }
  double bound = 0;
  for (const auto& groups : confines) {
    bound = std::max(bound, bound_within(problem, groups));
  }
  return bound;
}

}  // namespace

double least_per_weight(const std::vector<Bin>& bins) {
  return bins.empty() ? 1 : std::ranges::min_element(bins, {}, &Bin::per_weight)->per_weight;
}

bool reaches(const Problem& problem, const Ball& ball, const Bin& bin) {
  const auto& reach = problem.reaches[ball.reach];
  return std::ranges::find(reach, bin.group, &Reach::group) != reach.end();
}

bool shares_cache(const Ball& ball, const Bin& bin) {
  return ball.llcs != nullptr && std::ranges::binary_search(*ball.llcs, bin.llc);
}

std::vector<std::size_t> in_place_first(const Problem& problem) {
  std::vector<std::size_t> order(problem.balls.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return !problem.balls[i].in_place; });
  return order;
}

double load_bound(const Problem& problem) {
  double bound = 0;
  for (const auto& part : split(problem)) {
    bound = std::max(bound, bound_of_part(part.problem));
  }
  return bound;
}

double searched_bound(double largest) {
  constexpr double kRounding = 1e-9;
  return largest * (1 - kRounding);
}

double tolerated(const Problem& problem, double best) {
  constexpr double kRounding = 1e-9;
  constexpr double kAsGood = 0.02;  // Well within the 5 % that a plan promises.
  const bool kept = std::ranges::any_of(
      problem.balls, [](const Ball& ball) { return ball.current && ball.in_place; });
  const double share = kept && !problem.rebalance ? std::max(problem.min_gain, kAsGood) : kAsGood;
  const auto rounded = [](double load) { return load * (1 + kRounding) + kRounding; };
  return rounded(std::max(best, std::min(best * (1 + share), problem.ceiling)));
}

std::vector<bool> excused(const Problem& problem) {
  std::vector<double> kept;
  double base = 0;
  for (const auto& bin : problem.bins) {
    kept.push_back(bin.base);
    base = std::max(base, bin.base);
  }
  const auto is_kept = [](const Ball& ball) { return ball.current && ball.in_place; };
  for (const auto& ball : problem.balls) {
    if (is_kept(ball)) {
      kept[*ball.current] += weight_in(ball, problem.bins[*ball.current]);
    }
  }
  const double limit = std::min(base * (1 + problem.min_gain), problem.ceiling);
  std::vector<bool> may_stay;
  for (const auto& ball : problem.balls) {
    may_stay.push_back(!problem.rebalance && is_kept(ball) && kept[*ball.current] <= limit);
  }
  return may_stay;
}

Solution solve(const Problem& problem) {
  Solution solution{Placement(problem.balls.size()), 0};
  for (const auto& part : split(problem)) {
    auto [placement, bound] =
        is_small(part.problem) ? solve_exactly(part.problem) : solve_fast(part.problem);
    const auto found = dealt_out(part.problem, std::move(placement));
    solution.bound = std::max(solution.bound, bound);
    for (std::size_t i = 0; i < found.size(); ++i) {
      solution.placement[part.balls[i]] =
          found[i] ? std::optional(part.bins[*found[i]]) : std::nullopt;
    }
  }
  return solution;
}

}  // namespace irqtune::planning
