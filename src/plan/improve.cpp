// SPDX-License-Identifier: Apache-2.0
#include "plan/improve.h"

#include <algorithm>

namespace irqtune::planning {

namespace {

/// A step that makes the fullest bin lighter: a ball moves, or changes places with another.
struct Step {
  double larger = 0;  ///< The larger load of the two bins afterwards.
  std::size_t ball = 0;
  std::size_t to = 0;
  std::optional<std::size_t> other;
};

class Improver {
 public:
  Improver(State& state, const std::vector<bool>& movable, double target)
      : state_(state), problem_(state.problem()), movable_(movable), target_(target) {}

  void run() {
    const std::size_t steps = kStepsPerBin * problem_.bins.size();
    for (std::size_t i = 0; i < steps && work_ < kWork; ++i) {
      const auto bin = state_.fullest();
      if (!bin || state_.load(*bin) <= target_ || !lighten(*bin)) {
        return;
      }
    }
  }

 private:
  // Takes the best step, if there is one.
  bool lighten(std::size_t bin) {
    step_.reset();
    limit_ = state_.load(bin) * (1 - kWorthwhile);
    for (const auto ball : state_.balls(bin)) {
      if (movable_[ball]) {
        consider_moves(ball, bin);
        consider_swaps(ball, bin);
      }
    }
    if (step_) {
      carry_out(bin);
    }
    return step_.has_value();
  }

  [[nodiscard]] bool keeps_hierarchy(std::size_t ball, std::size_t from, std::size_t to) const {
    if (problem_.balls[ball].role == Role::auxiliary) {
      return problem_.bins[from].first || !problem_.bins[to].first;
    }
    return !state_.covers_alone(ball) || state_.kind(to) == BinKind::open;
  }

  void offer(const Step& step) {
    if (step.larger < limit_) {
      limit_ = step.larger;
      step_ = step;
    }
  }

  // Of each cell the least loaded bin will do.
  void consider_moves(std::size_t ball, std::size_t from) {
    const double weight = problem_.balls[ball].weight;
    for (const auto i : state_.cells_in(problem_.balls[ball].reach)) {
      const auto& cell = state_.cells()[i];
      ++work_;
      if (cell.bins.empty()) {
        continue;
      }
      const auto to = cell.bins.begin()->bin;
      if (to != from && keeps_hierarchy(ball, from, to)) {
        offer({std::max(state_.load(from) - weight, state_.load(to) + weight), ball, to, {}});
      }
    }
  }

  void consider_swaps(std::size_t ball, std::size_t from) {
    std::size_t seen = 0;
    for (const auto& rank : state_.by_load()) {
      if (++seen > kSwapBins) {
        return;
      }
      if (rank.bin == from || !reaches(problem_, problem_.balls[ball], problem_.bins[rank.bin])) {
        continue;
      }
      for (const auto other : state_.balls(rank.bin)) {
        ++work_;
        consider_swap(ball, from, other, rank.bin);
      }
    }
  }

  void consider_swap(std::size_t ball, std::size_t from, std::size_t other, std::size_t to) {
    const auto& heavy = problem_.balls[ball];
    const auto& light = problem_.balls[other];
    const double gain = heavy.weight - light.weight;
    if (gain > 0 && movable_[other] && heavy.role == light.role &&
        reaches(problem_, light, problem_.bins[from])) {
      offer({std::max(state_.load(from) - gain, state_.load(to) + gain), ball, to, other});
    }
  }

  void carry_out(std::size_t from) {
    state_.take(step_->ball);
    if (step_->other) {
      state_.take(*step_->other);
      state_.put(*step_->other, from);
    }
    state_.put(step_->ball, step_->to);
  }

  static constexpr std::size_t kStepsPerBin = 8;
  static constexpr std::size_t kSwapBins = 64;
  static constexpr std::size_t kWork = 3'000'000;  // Some tens of milliseconds.
  static constexpr double kWorthwhile = 1e-6;

  State& state_;
  const Problem& problem_;
  const std::vector<bool>& movable_;
  double target_;
  std::optional<Step> step_;
  double limit_ = 0;  // Steps must stay below this.
  std::size_t work_ = 0;
};

}  // namespace

void improve(State& state, const std::vector<bool>& movable, double target) {
  Improver(state, movable, target).run();
}

}  // namespace irqtune::planning
