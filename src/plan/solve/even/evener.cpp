// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/even/evener.h"

#include "plan/solve/search/repack.h"
#include "plan/solve/shelf.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace irqtune::planning {

namespace {

/// Branch and bound: the heaviest ball first, the least loaded bin first.
class Evener {
 public:
  Evener(const State& state, const std::vector<bool>& movable, double limit)
      : problem_(state.problem()),
        limit_(limit),
        least_(least_per_weight(problem_.bins)),
        shelf_(problem_),
        disorder_(disorder_in(problem_, state.placement())),
        fewest_(squares(state)) {
    for (std::size_t bin = 0; bin < problem_.bins.size(); ++bin) {
      shelf_.add({bin, problem_.bins[bin].base, 0, 0});
    }
    for (std::size_t i = 0; i < movable.size(); ++i) {
      if (movable[i]) {
        balls_.push_back(i);
      } else {
        shelf_.put(i, *state.placement()[i]);
      }
    }
    std::ranges::sort(balls_, {}, [this](std::size_t i) {
      const auto& ball = problem_.balls[i];
      return std::tuple(-ball.weight, ball.role, i);
    });
    rest_.resize(balls_.size() + 1);
    for (std::size_t i = balls_.size(); i-- > 0;) {
      const auto& ball = problem_.balls[balls_[i]];
      rest_[i].weight = rest_[i + 1].weight + ball.weight;
      rest_[i].primaries = rest_[i + 1].primaries + (ball.role == Role::primary ? 1U : 0U);
    }
    tried_.resize(balls_.size());
  }

  /// The bin of each of balls(); empty if nothing better was found.
  const std::vector<std::size_t>& run() {
    visit(0);
    return best_;
  }

  [[nodiscard]] const std::vector<std::size_t>& balls() const { return balls_; }

 private:
  void visit(std::size_t depth) {
    if (is_hopeless(depth)) {
      return;
    }
    if (depth == balls_.size()) {
      fewest_ = squares_with(0);
      best_ = at_;
      return;
    }
    auto& tried = tried_[depth];
    tried.clear();
    for (auto at = shelf_.next({}); at && steps_ < problem_.effort; at = shelf_.next(at)) {
      if (may_go(depth, *at) && !is_like_any(*at, tried)) {
        tried.push_back(*at);
        put(depth, *at);
      }
    }
  }

  [[nodiscard]] bool is_hopeless(std::size_t depth) const {
    constexpr double kWorthwhile = 1e-9;
    const auto now = shelf_.disorder();
    return now.open > disorder_.open + rest_[depth].primaries ||
           now.misplaced > disorder_.misplaced ||
           squares_with(rest_[depth].weight * least_) >= fewest_ * (1 - kWorthwhile);
  }

  // Of the loads, with so much more poured into the least loaded bins.
  [[nodiscard]] double squares_with(double more) const {
    double level = std::numeric_limits<double>::infinity();
    double filled = more;
    double count = 0;
    double sum = 0;
    for (auto at = shelf_.next({}); at; at = shelf_.next(at)) {
      const double load = shelf_.holder(*at).load;
      if (load < level) {
        filled += load;
        ++count;
        level = filled / count;
      } else {
        sum += load * load;
      }
    }
    return sum + level * level * count;
  }

  [[nodiscard]] bool may_go(std::size_t depth, std::size_t at) const {
    const auto& ball = problem_.balls[balls_[depth]];
    const bool is_repeated =
        depth > 0 && at < at_[depth - 1] && is_like(ball, problem_.balls[balls_[depth - 1]]);
    return !is_repeated && shelf_.takes(balls_[depth], at) &&
           shelf_.holder(at).load + weight_in(ball, shelf_.bin(at)) <= limit_;
  }

  [[nodiscard]] static bool is_like(const Ball& a, const Ball& b) {
    return a.weight == b.weight && a.role == b.role;
  }

  [[nodiscard]] bool is_like_any(std::size_t at, const std::vector<std::size_t>& tried) const {
    return std::ranges::any_of(tried,
                               [&](std::size_t other) { return shelf_.are_alike(at, other); });
  }

  void put(std::size_t depth, std::size_t at) {
    const auto before = shelf_.put(balls_[depth], at);
    ++steps_;
    at_.push_back(at);
    visit(depth + 1);
    at_.pop_back();
    shelf_.put_back(at, before);
  }

  /// What the balls from one on come to.
  struct Rest {
    double weight = 0;
    std::size_t primaries = 0;
  };

  const Problem& problem_;
  double limit_;
  double least_;
  Shelf shelf_;
  Disorder disorder_;  // There must not be more than this.
  double fewest_;
  std::vector<std::size_t> balls_;
  std::vector<Rest> rest_;
  std::vector<std::size_t> at_;
  std::vector<std::size_t> best_;
  std::vector<std::vector<std::size_t>> tried_;  // By depth.
  std::size_t steps_ = 0;
};

}  // namespace

double squares(const State& state) {
  double sum = 0;
  for (std::size_t bin = 0; bin < state.problem().bins.size(); ++bin) {
    sum += state.load(bin) * state.load(bin);
  }
  return sum;
}

State search_even(State state, const std::vector<bool>& movable, double limit) {
  if (static_cast<std::size_t>(std::ranges::count(movable, true)) > kMostToPack) {
    return state;
  }
  Evener evener(state, movable, limit);
  const auto& best = evener.run();
  for (std::size_t i = 0; i < best.size(); ++i) {
    state.take(evener.balls()[i]);
  }
  for (std::size_t i = 0; i < best.size(); ++i) {
    state.put(evener.balls()[i], best[i]);
  }
  return state;
}

}  // namespace irqtune::planning
