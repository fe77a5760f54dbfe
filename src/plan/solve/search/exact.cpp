// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/balance.h"
#include "plan/solve/even/spread.h"

#include <algorithm>
#include <compare>
#include <limits>
#include <numeric>
#include <tuple>

namespace irqtune::planning {

namespace {

/// What the promises about nearness and hierarchy come to; smaller is better.
struct Order {
  int cost = std::numeric_limits<int>::max();
  int uncovered = 0;  ///< First threads without a primary
  int misplaced = 0;  ///< Auxiliaries not on a sibling thread
  // NOLINTNEXTLINE(*-use-nullptr, *-implicit-bool-conversion): clang-tidy 14 mistakes the default
  friend auto operator<=>(const Order&, const Order&) = default;
};

/// The most even placement by this is what the spread of others is held against.
struct Evenest {
  int moved = std::numeric_limits<int>::max();  ///< As in Merit; 0 to rebalance
  double step = 0;
  double squares = 0;
  // NOLINTNEXTLINE(*-use-nullptr, *-implicit-bool-conversion): clang-tidy 14 mistakes the default
  friend auto operator<=>(const Evenest&, const Evenest&) = default;
};

/// What counts after that; smaller is better.
struct Merit {
  bool uneven = false;  ///< A group's spread is worse than need be
  int moved = 0;        ///< Balls in place that leave it
  double step = 0;      ///< Largest load, in steps that count as equal
  int displaced = 0;    ///< Other balls that leave their current bin
  int strangers = 0;    ///< Balls away from their VM's caches
  double largest = 0;
  double squares = 0;
  int apart = 0;          ///< Auxiliaries not beside a primary of their device
  double company = 0;     ///< Loads of the bins that auxiliaries are in
  std::size_t crowd = 0;  ///< Squares of how many balls are in a bin
  // NOLINTNEXTLINE(*-use-nullptr, *-implicit-bool-conversion): clang-tidy 14 mistakes the default
  friend auto operator<=>(const Merit&, const Merit&) = default;
};

/// Visits all placements of a small problem, depth first.
class Search {
 public:
  explicit Search(const Problem& problem)
      : problem_(problem),
        order_(problem.balls.size()),
        at_(problem.balls.size()),
        excused_(excused(problem)),
        load_(problem.bins.size()),
        count_(problem.bins.size()),
        primaries_(problem.bins.size()),
        strangers_(problem.bins.size()) {
    std::iota(order_.begin(), order_.end(), 0U);
    std::ranges::stable_sort(order_, {}, [&](std::size_t i) {
      return std::tuple(problem.balls[i].role, -problem.balls[i].weight);
    });
    for (std::size_t i = 0; i < problem.bins.size(); ++i) {
      load_[i] = problem.bins[i].base;
    }
  }

  Solution run() {
    visit(0, 0);
    limit_ = tolerated(problem_, best_largest_);
    aim_ = Aim::evenness;
    visit(0, 0);
    even_ = deviation_limits(problem_, {evenest_at_.begin(), evenest_at_.end()});
    aim_ = Aim::merit;
    visit(0, 0);
    // What is on which group may be another than in the most even one: each is held to its own.
    const auto free = free_to_spread(problem_, best_);
    return {spread_out(problem_, best_, free), searched_bound(best_largest_)};
  }

 private:
  void visit(std::size_t depth, int cost) {
    if (cost > best_order_.cost) {
      return;
    }
    if (depth == order_.size()) {
      judge(cost);
      return;
    }
    const auto& ball = problem_.balls[order_[depth]];
    for (std::size_t bin = 0; bin < problem_.bins.size(); ++bin) {
      const auto& reach = problem_.reaches[ball.reach];
      const auto place = std::ranges::find(reach, problem_.bins[bin].group, &Reach::group);
      const double weight = weight_in(ball, problem_.bins[bin]);
      const bool stays = excused_[order_[depth]] && ball.current == bin;
      if (place == reach.end() || count_[bin] >= problem_.bins[bin].slots ||
          (load_[bin] + weight > limit_ && (!stays || strangers_[bin] > 0))) {
        continue;
      }
      const double before = load_[bin];
      strangers_[bin] += stays ? 0 : 1;
      load_[bin] += weight;
      ++count_[bin];
      primaries_[bin] += ball.role == Role::primary ? 1 : 0;
      at_[order_[depth]] = bin;
      visit(depth + 1, cost + place->cost);
      primaries_[bin] -= ball.role == Role::primary ? 1 : 0;
      --count_[bin];
      load_[bin] = before;
      strangers_[bin] -= stays ? 0 : 1;
    }
  }

  [[nodiscard]] Order order_now(int cost) const {
    Order now{cost, 0, 0};
    for (std::size_t i = 0; i < problem_.bins.size(); ++i) {
      const auto& bin = problem_.bins[i];
      now.uncovered += bin.first && !bin.covered && primaries_[i] == 0 ? 1 : 0;
    }
    for (std::size_t i = 0; i < at_.size(); ++i) {
      const bool first = problem_.bins[at_[i]].first;
      now.misplaced += problem_.balls[i].role == Role::auxiliary && first ? 1 : 0;
    }
    return now;
  }

  [[nodiscard]] double largest_now() const {
    double largest = 0;
    for (std::size_t i = 0; i < load_.size(); ++i) {
      largest = count_[i] > 0 ? std::max(largest, load_[i]) : largest;
    }
    return largest;
  }

  void judge(int cost) {
    switch (aim_) {
      case Aim::ideal:
        judge_ideal(cost);
        break;
      case Aim::evenness:
        judge_evenness(cost);
        break;
      case Aim::merit:
        judge_merit(cost);
        break;
    }
  }

  void judge_ideal(int cost) {
    const auto now = order_now(cost);
    const double largest = largest_now();
    if (std::tie(now, largest) < std::tie(best_order_, best_largest_)) {
      best_order_ = now;
      best_largest_ = largest;
    }
  }

  [[nodiscard]] bool is_beside_own(std::size_t ball) const {
    for (std::size_t i = 0; i < at_.size(); ++i) {
      const bool own = problem_.balls[i].device == problem_.balls[ball].device &&
                       problem_.balls[i].role == Role::primary;
      const bool sibling =
          at_[i] != at_[ball] && problem_.bins[at_[i]].core == problem_.bins[at_[ball]].core;
      if (own && sibling) {
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] Merit merit_now() const {
    Merit merit;
    merit.largest = largest_now();
    merit.step = merit.largest <= best_largest_ * (1 + kStep) ? 0 : merit.largest;
    for (std::size_t i = 0; i < load_.size(); ++i) {
      merit.squares += load_[i] * load_[i];
      merit.crowd += count_[i] * count_[i];
    }
    for (std::size_t i = 0; i < at_.size(); ++i) {
      const auto& ball = problem_.balls[i];
      const bool left = ball.current && ball.current != at_[i];
      merit.moved += left && ball.in_place ? 1 : 0;
      merit.displaced += left && !ball.in_place ? 1 : 0;
      merit.strangers += shares_cache(ball, problem_.bins[at_[i]]) ? 0 : 1;
      merit.company += ball.role == Role::auxiliary ? load_[at_[i]] : 0;
      merit.apart += ball.role == Role::auxiliary && !is_beside_own(i) ? 1 : 0;
    }
    return merit;
  }

  void judge_evenness(int cost) {
    if (order_now(cost) != best_order_) {
      return;
    }
    const auto merit = merit_now();
    const Evenest now{problem_.rebalance ? 0 : merit.moved, merit.step, merit.squares};
    if (now < evenest_) {
      evenest_ = now;
      evenest_at_ = at_;
    }
  }

  [[nodiscard]] bool is_uneven() const {
    const auto now = deviations(problem_, load_);
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (now[i] > even_[i]) {
        return true;
      }
    }
    return false;
  }

  void judge_merit(int cost) {
    if (order_now(cost) != best_order_) {
      return;
    }
    auto merit = merit_now();
    merit.uneven = is_uneven();
    if (best_.empty() || merit < best_merit_) {
      best_merit_ = merit;
      best_.assign(at_.begin(), at_.end());
    }
  }

  static constexpr double kStep = 0.02;

  const Problem& problem_;
  std::vector<std::size_t> order_;  // Of the balls: primaries, heaviest first.
  std::vector<std::size_t> at_;     // Bin of each ball.
  std::vector<bool> excused_;
  std::vector<double> load_;
  std::vector<std::size_t> count_;
  std::vector<int> primaries_;
  std::vector<int> strangers_;  // Those that may not be in their bin above the limit.
  /// What the placements are searched for.
  enum class Aim : std::uint8_t { ideal, evenness, merit };
  Aim aim_ = Aim::ideal;
  double limit_ = std::numeric_limits<double>::infinity();
  Order best_order_;
  double best_largest_ = std::numeric_limits<double>::infinity();
  Evenest evenest_;
  std::vector<std::size_t> evenest_at_;
  std::vector<double> even_;  // By group: no larger deviation.
  Merit best_merit_;
  Placement best_;
};

}  // namespace

bool is_small(const Problem& problem) {
  constexpr double kPlacements = 20'000;  // Some milliseconds' worth.
  double placements = 1;
  for (const auto& ball : problem.balls) {
    placements *= static_cast<double>(std::ranges::count_if(
        problem.bins, [&](const Bin& bin) { return reaches(problem, ball, bin); }));
    if (placements > kPlacements) {
      return false;
    }
  }
  return true;
}

Solution solve_exactly(const Problem& problem) {
  return Search(problem).run();
}

}  // namespace irqtune::planning
