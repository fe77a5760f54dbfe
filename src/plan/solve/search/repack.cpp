// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/search/repack.h"

#include "plan/solve/shelf.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace irqtune::planning {

namespace {

/// Branch and bound, depth first: the heaviest ball first, the least loaded bin first.
class Packer {
 public:
  Packer(const State& state,
         const std::vector<bool>& movable,
         const std::vector<std::size_t>& bins,
         const Effort& effort)
      : problem_(state.problem()),
        effort_(effort),
        shelf_(problem_),
        least_(least_per_weight(problem_.bins)) {
    Shelf now(problem_);
    for (const auto bin : bins) {
      add_bin(state, movable, bin);
      now.add(holder_of(state, bin, [](std::size_t) { return true; }));
    }
    limit_ = now.largest();
    disorder_ = now.disorder();
    misplaced_ = shelf_.disorder().misplaced;
    sort_balls();
  }

  Repacking run() {
    Repacking found;
    if (balls_.size() <= kMostToPack) {
      const double floor = shelf_.largest();
      effort_.enough = std::max(effort_.enough, floor);
      visit(0, floor);
      found.steps = steps_;
      found.complete = steps_ < effort_.steps;
    }
    found.largest = limit_;
    for (std::size_t i = 0; i < best_.size(); ++i) {
      if (best_[i] != balls_[i].at) {
        found.moves.emplace_back(balls_[i].ball, shelf_.holder(best_[i]).bin);
      }
    }
    return found;
  }

 private:
  struct Loose {
    std::size_t ball = 0;
    std::size_t at = 0;  // Place of the bin that it is in now.
  };

  template <typename Counts>
  [[nodiscard]] Holder holder_of(const State& state, std::size_t bin, Counts counts) const {
    Holder holder{bin, problem_.bins[bin].base, 0, 0};
    for (const auto ball : state.balls(bin)) {
      if (counts(ball)) {
        holder.load += weight_in(problem_.balls[ball], problem_.bins[bin]);
        ++holder.count;
        holder.primaries += is_primary(ball) ? 1U : 0U;
      }
    }
    return holder;
  }

  void add_bin(const State& state, const std::vector<bool>& movable, std::size_t bin) {
    for (const auto ball : state.balls(bin)) {
      if (movable[ball]) {
        balls_.push_back({ball, shelf_.size()});
      }
    }
    shelf_.add(holder_of(state, bin, [&](std::size_t ball) { return !movable[ball]; }));
  }

  // Balls that are alike stand side by side.
  void sort_balls() {
    std::ranges::sort(balls_, {}, [this](const Loose& loose) {
      const auto& ball = problem_.balls[loose.ball];
      return std::tuple(-ball.weight, ball.role, ball.reach, loose.ball);
    });
    rest_.resize(balls_.size() + 1);
    for (std::size_t i = balls_.size(); i-- > 0;) {
      rest_[i].weight = rest_[i + 1].weight + problem_.balls[balls_[i].ball].weight;
      rest_[i].primaries = rest_[i + 1].primaries + (is_primary(balls_[i].ball) ? 1U : 0U);
    }
    tried_.resize(balls_.size());
  }

  [[nodiscard]] bool is_primary(std::size_t ball) const {
    return problem_.balls[ball].role == Role::primary;
  }

  void visit(std::size_t depth, double largest) {
    if (depth == balls_.size()) {
      judge(largest);
      return;
    }
    if (is_hopeless(depth)) {
      return;
    }
    const auto& ball = problem_.balls[balls_[depth].ball];
    auto& tried = tried_[depth];
    tried.clear();
    for (auto at = shelf_.next({}); at; at = shelf_.next(at)) {
      if (is_over(largest) || shelf_.holder(*at).load + ball.weight * least_ >= limit_) {
        return;
      }
      const double weight = weight_in(ball, shelf_.bin(*at));
      if (shelf_.holder(*at).load + weight < limit_ && may_go(depth, *at) &&
          !is_like_any(*at, tried)) {
        tried.push_back(*at);
        put(depth, *at, largest);
      }
    }
  }

  // No arrangement below can be both allowed and better.
  [[nodiscard]] bool is_hopeless(std::size_t depth) const {
    const double lightest = problem_.balls[balls_.back().ball].weight;
    return rest_[depth].weight > shelf_.room(limit_, lightest) ||
           shelf_.disorder().open > disorder_.open + rest_[depth].primaries;
  }

  [[nodiscard]] bool is_over(double largest) const {
    return steps_ >= effort_.steps || limit_ <= effort_.enough || largest >= limit_;
  }

  [[nodiscard]] bool may_go(std::size_t depth, std::size_t at) const {
    const auto ball = balls_[depth].ball;
    // Of balls that are alike only one order is tried.
    const bool is_repeated = depth > 0 && at < at_[depth - 1] && is_like_previous(depth);
    const bool keeps_order =
        is_primary(ball) || !shelf_.bin(at).first || misplaced_ < disorder_.misplaced;
    return !is_repeated && keeps_order && shelf_.takes(ball, at);
  }

  [[nodiscard]] bool is_like_previous(std::size_t depth) const {
    const auto& a = problem_.balls[balls_[depth].ball];
    const auto& b = problem_.balls[balls_[depth - 1].ball];
    return a.weight == b.weight && a.role == b.role && a.reach == b.reach;
  }

  [[nodiscard]] bool is_like_any(std::size_t at, const std::vector<std::size_t>& tried) const {
    return std::ranges::any_of(tried,
                               [&](std::size_t other) { return shelf_.are_alike(at, other); });
  }

  void put(std::size_t depth, std::size_t at, double largest) {
    const auto ball = balls_[depth].ball;
    const bool misplaces = !is_primary(ball) && shelf_.bin(at).first;
    const auto before = shelf_.put(ball, at);
    ++steps_;
    misplaced_ += misplaces ? 1U : 0U;
    at_.push_back(at);
    visit(depth + 1, std::max(largest, shelf_.holder(at).load));
    at_.pop_back();
    misplaced_ -= misplaces ? 1U : 0U;
    shelf_.put_back(at, before);
  }

  void judge(double largest) {
    constexpr double kWorthwhile = 1e-9;
    if (shelf_.disorder().open <= disorder_.open && largest < limit_ * (1 - kWorthwhile)) {
      limit_ = largest;
      best_ = at_;
    }
  }

  /// What the balls from one on come to.
  struct Rest {
    double weight = 0;
    std::size_t primaries = 0;
  };

  const Problem& problem_;
  Effort effort_;
  Shelf shelf_;
  double least_;
  std::vector<Loose> balls_;
  std::vector<Rest> rest_;
  double limit_ = 0;           // Loads must stay below this.
  Disorder disorder_;          // There must not be more than this.
  std::size_t misplaced_ = 0;  // At this point of the search.
  std::vector<std::size_t> at_;
  std::vector<std::size_t> best_;
  std::vector<std::vector<std::size_t>> tried_;  // Places, by depth.
  std::size_t steps_ = 0;
};

}  // namespace

Repacking repack(const State& state,
                 const std::vector<bool>& movable,
                 const std::vector<std::size_t>& bins,
                 const Effort& effort) {
  return Packer(state, movable, bins, effort).run();
}

}  // namespace irqtune::planning
