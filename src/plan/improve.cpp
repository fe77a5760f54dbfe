// SPDX-License-Identifier: Apache-2.0
#include "plan/improve.h"

#include "plan/divide.h"

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
      const auto bin = fullest_movable();
      if (!bin || state_.load(*bin) <= target_ || !(lighten(*bin) || share(*bin))) {
        return;
      }
    }
  }

  // From the fullest bin down to the mean; those that cannot be made lighter are passed over.
  void even_out() {
    worthwhile_ = kWorthEvening;
    keeps_cache_ = true;
    std::vector<bool> done(problem_.bins.size());
    const double mean = state_.mean_load();
    const std::size_t steps = kStepsPerBin * problem_.bins.size();
    for (std::size_t i = 0; i < steps && work_ < kWork; ++i) {
      const auto& ranks = state_.by_load();
      const auto next = std::find_if(
          ranks.rbegin(), ranks.rend(), [&](const Rank& rank) { return !done[rank.bin]; });
      if (next == ranks.rend() || next->load <= mean) {
        return;
      }
      const auto bin = next->bin;
      done[bin] = !lighten(bin);
    }
  }

 private:
  // Of the bins with a ball that may move.
  [[nodiscard]] std::optional<std::size_t> fullest_movable() const {
    const auto& ranks = state_.by_load();
    const auto found = std::find_if(ranks.rbegin(), ranks.rend(), [this](const Rank& rank) {
      const auto& balls = state_.balls(rank.bin);
      return std::ranges::any_of(balls, [this](std::size_t ball) { return movable_[ball]; });
    });
    return found == ranks.rend() ? std::nullopt : std::optional(found->bin);
  }

  // Takes the best step, if there is one.
  bool lighten(std::size_t bin) {
    step_.reset();
    limit_ = state_.load(bin) * (1 - worthwhile_);
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

  // Divides what the bin and another one hold anew, where single steps do not help any more.
  bool share(std::size_t from) {
    std::size_t seen = 0;
    for (const auto& rank : state_.by_load()) {
      if (++seen > kSwapBins || work_ >= kWork) {
        return false;
      }
      if (rank.bin == from) {
        continue;
      }
      const auto division = divide_anew(state_, movable_, from, rank.bin);
      work_ += division.work;
      if (division.larger < state_.load(from) * (1 - kWorthwhile)) {
        exchange(division, from, rank.bin);
        return true;
      }
    }
    return false;
  }

  void exchange(const Division& division, std::size_t from, std::size_t to) {
    for (const auto* balls : {&division.to_second, &division.to_first}) {
      for (const auto ball : *balls) {
        state_.take(ball);
      }
    }
    for (const auto ball : division.to_second) {
      state_.put(ball, to);
    }
    for (const auto ball : division.to_first) {
      state_.put(ball, from);
    }
  }

  [[nodiscard]] bool is_allowed(std::size_t ball, std::size_t from, std::size_t to) const {
    const auto& one = problem_.balls[ball];
    const bool leaves_cache = keeps_cache_ && shares_cache(one, problem_.bins[from]) &&
                              !shares_cache(one, problem_.bins[to]);
    return !leaves_cache && keeps_hierarchy(ball, from, to);
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
      if (to != from && is_allowed(ball, from, to)) {
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
    const bool leaves_cache = keeps_cache_ && shares_cache(heavy, problem_.bins[from]) !=
                                                  shares_cache(heavy, problem_.bins[to]);
    if (gain > 0 && movable_[other] && heavy.role == light.role && !leaves_cache &&
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
  static constexpr double kWorthEvening = 0.02;

  State& state_;
  const Problem& problem_;
  const std::vector<bool>& movable_;
  double target_;
  double worthwhile_ = kWorthwhile;
  bool keeps_cache_ = false;  // Nothing goes away from its VM's cache.
  std::optional<Step> step_;
  double limit_ = 0;  // Steps must stay below this.
  std::size_t work_ = 0;
};

}  // namespace

void improve(State& state, const std::vector<bool>& movable, double target) {
  Improver(state, movable, target).run();
}

void even_out(State& state, const std::vector<bool>& movable) {
  Improver(state, movable, 0).even_out();
}

}  // namespace irqtune::planning
