// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/search/keep.h"

#include "plan/solve/search/repack.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace irqtune::planning {

namespace {

/// Branch and bound, depth first: the balls that are somewhere first, each where it is first.
class Keeper {
 public:
  Keeper(const Problem& problem, const Terms& terms, const Moves& most)
      : problem_(problem),
        terms_(terms),
        fewest_(most),
        shelf_(problem),
        order_(problem.balls.size()),
        strangers_(problem.bins.size()),
        claimed_until_(problem.bins.size()),
        tried_(problem.balls.size()) {
    for (std::size_t bin = 0; bin < problem.bins.size(); ++bin) {
      shelf_.add({bin, problem.bins[bin].base, 0, 0});
    }
    std::iota(order_.begin(), order_.end(), 0U);
    std::ranges::stable_sort(order_, {}, [&](std::size_t i) {
      const auto& ball = problem.balls[i];
      return std::tuple(!ball.in_place, !ball.current, -ball.weight, ball.role, ball.reach);
    });
    rest_.resize(order_.size() + 1);
    for (std::size_t i = order_.size(); i-- > 0;) {
      rest_[i] = rest_[i + 1] + (is_primary(order_[i]) ? 1U : 0U);
    }
    for (std::size_t depth = 0; depth < order_.size(); ++depth) {
      if (const auto& current = problem.balls[order_[depth]].current) {
        claimed_until_[*current] = depth + 1;
      }
    }
  }

  std::optional<Placement> run() {
    visit(0);
    if (best_.empty()) {
      return std::nullopt;
    }
    Placement placement(order_.size());
    for (std::size_t depth = 0; depth < order_.size(); ++depth) {
      placement[order_[depth]] = best_[depth];
    }
    return placement;
  }

 private:
  [[nodiscard]] bool is_primary(std::size_t ball) const {
    return problem_.balls[ball].role == Role::primary;
  }

  void visit(std::size_t depth) {
    if (depth == order_.size()) {
      fewest_ = moves_;
      best_ = at_;
      return;
    }
    const auto& current = problem_.balls[order_[depth]].current;
    auto& tried = tried_[depth];
    tried.clear();
    if (current) {
      consider(depth, *current);
    }
    for (auto at = shelf_.next({}); at && !is_over(); at = shelf_.next(at)) {
      if (at != current) {
        consider(depth, *at);
      }
    }
  }

  [[nodiscard]] bool is_over() const { return steps_ >= problem_.effort || moves_ >= fewest_; }

  void consider(std::size_t depth, std::size_t at) {
    auto& tried = tried_[depth];
    if (may_go(depth, at) && !is_like_any(depth, at, tried)) {
      tried.push_back(at);
      put(depth, at);
    }
  }

  [[nodiscard]] bool may_go(std::size_t depth, std::size_t at) const {
    const auto ball = order_[depth];
    const bool is_repeated = depth > 0 && at < at_[depth - 1] &&
                             are_alike(problem_.balls[ball], problem_.balls[order_[depth - 1]]);
    return !is_repeated && shelf_.takes(ball, at) && fits(ball, at);
  }

  // Above the limit there may only be balls that may stay there.
  [[nodiscard]] bool fits(std::size_t ball, std::size_t at) const {
    const bool stays = terms_.may_stay[ball] && problem_.balls[ball].current == at;
    const double load = shelf_.holder(at).load + weight_in(problem_.balls[ball], shelf_.bin(at));
    return load <= terms_.limit || (stays && strangers_[at] == 0);
  }

  // Of bins that are alike, and that no ball to come is in now, one will do.
  [[nodiscard]] bool is_like_any(std::size_t depth,
                                 std::size_t at,
                                 const std::vector<std::size_t>& tried) const {
    return claimed_until_[at] <= depth && std::ranges::any_of(tried, [&](std::size_t other) {
             return claimed_until_[other] <= depth && shelf_.are_alike(at, other);
           });
  }

  void put(std::size_t depth, std::size_t at) {
    const auto ball = order_[depth];
    const auto& is = problem_.balls[ball];
    const auto moves = moves_;
    const bool leaves = is.current && is.current != at;
    const bool strange = !terms_.may_stay[ball] || is.current != at;
    const auto before = shelf_.put(ball, at);
    ++steps_;
    moves_.moved += leaves && is.in_place ? 1U : 0U;
    moves_.displaced += leaves && !is.in_place ? 1U : 0U;
    strangers_[at] += strange ? 1U : 0U;
    at_.push_back(at);
    if (moves_ < fewest_ && can_be_in_order(depth + 1)) {
      visit(depth + 1);
    }
    at_.pop_back();
    strangers_[at] -= strange ? 1U : 0U;
    moves_ = moves;
    shelf_.put_back(at, before);
  }

  [[nodiscard]] bool can_be_in_order(std::size_t depth) const {
    const auto now = shelf_.disorder();
    return now.open <= terms_.disorder.open + rest_[depth] &&
           now.misplaced <= terms_.disorder.misplaced;
  }

  const Problem& problem_;
  const Terms& terms_;
  Moves fewest_;
  Moves moves_;  // So far
  Shelf shelf_;
  std::vector<std::size_t> order_;
  std::vector<std::size_t> rest_;           // Primaries from each depth on.
  std::vector<std::size_t> strangers_;      // In each bin, balls that may not stay above the limit.
  std::vector<std::size_t> claimed_until_;  // From that depth on no ball is in the bin now.
  std::vector<std::size_t> at_;
  std::vector<std::size_t> best_;
  std::vector<std::vector<std::size_t>> tried_;  // By depth.
  std::size_t steps_ = 0;
};

}  // namespace

Moves moves_in(const Problem& problem, const Placement& placement) {
  Moves moves;
  for (std::size_t i = 0; i < placement.size(); ++i) {
    const auto& ball = problem.balls[i];
    const bool leaves = ball.current && ball.current != placement[i];
    moves.moved += leaves && ball.in_place ? 1U : 0U;
    moves.displaced += leaves && !ball.in_place ? 1U : 0U;
  }
  return moves;
}

std::optional<Placement> keep_most(const Problem& problem, const Terms& terms, const Moves& most) {
  if (problem.balls.size() > kMostToPack || most == Moves{}) {
    return std::nullopt;
  }
  return Keeper(problem, terms, most).run();
}

}  // namespace irqtune::planning
