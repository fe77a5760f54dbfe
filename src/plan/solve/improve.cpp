// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/improve.h"

#include "plan/solve/search/repack.h"

#include <algorithm>
#include <numeric>

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
      : state_(state),
        problem_(state.problem()),
        movable_(movable),
        target_(target),
        steps_(problem_.effort) {}

  // True if nothing better is possible.
  bool run() {
    const std::size_t steps = kStepsPerBin * problem_.bins.size();
    for (std::size_t i = 0; i < steps && work_ < kWork; ++i) {
      const auto bin = fullest_movable();
      if (!bin || state_.load(*bin) <= target_ || (!lighten(*bin) && !share(*bin))) {
        break;
      }
    }
    return is_best_;
  }

  // From the fullest bin down to the mean; those that cannot be made lighter are passed over.
  void even_out(const Evenness& evenness) {
    worthwhile_ = evenness.gain;
    keeps_cache_ = evenness.keeps_cache;
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

  // Packs what the bin and others hold anew, where single steps do not help any more: all bins if
  // those are few enough, else one, two and three others, the least loaded first.
  bool share(std::size_t from) {
    if (!is_packed_ && try_all(from)) {
      return true;
    }
    if (is_best_ || state_.load(from) <= target_ * (1 + kClose)) {
      return false;
    }
    const auto near = least_loaded_within_reach(from);
    return try_groups(from, near, 1, kPairBins) || try_groups(from, near, 2, kTripleBins) ||
           try_groups(from, near, 3, kQuadBins);
  }

  // Bins that a ball of that one may go to.
  [[nodiscard]] std::vector<std::size_t> least_loaded_within_reach(std::size_t from) const {
    std::vector<std::size_t> bins;
    const auto& balls = state_.balls(from);
    for (const auto& rank : state_.by_load()) {
      const auto& to = problem_.bins[rank.bin];
      if (bins.size() < kSwapBins && rank.bin != from &&
          std::ranges::any_of(balls, [&](std::size_t ball) {
            return movable_[ball] && reaches(problem_, problem_.balls[ball], to);
          })) {
        bins.push_back(rank.bin);
      }
    }
    return bins;
  }

  bool try_all(std::size_t fullest) {
    is_packed_ = true;
    std::vector<std::size_t> bins(problem_.bins.size());
    std::iota(bins.begin(), bins.end(), 0U);
    const auto found = repack(state_, movable_, bins, {target_, problem_.effort});
    is_best_ = found.complete;
    return accept(found, fullest);
  }

  // Every choice of `more` of the first `most` bins beside the fullest one.
  bool try_groups(std::size_t from,
                  const std::vector<std::size_t>& near,
                  std::size_t more,
                  std::size_t most) {
    std::vector<std::size_t> group{from};
    return extend(group, near, {0, std::min(most, near.size()), more});
  }

  struct Choice {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t left = 0;
  };

  bool extend(std::vector<std::size_t>& group,
              const std::vector<std::size_t>& near,
              const Choice& choice) {
    if (choice.left == 0) {
      const auto found = repack(state_, movable_, group, {target_, std::min(kGroupSteps, steps_)});
      steps_ -= std::min(found.steps + 1, steps_);
      return accept(found, group.front());
    }
    for (auto i = choice.begin; i < choice.end && steps_ > 0; ++i) {
      group.push_back(near[i]);
      if (extend(group, near, {i + 1, choice.end, choice.left - 1})) {
        return true;
      }
      group.pop_back();
    }
    return false;
  }

  bool accept(const Repacking& found, std::size_t from) {
    if (found.moves.empty() || found.largest >= state_.load(from) * (1 - kLeastGain)) {
      return false;
    }
    for (const auto& [ball, bin] : found.moves) {
      state_.take(ball);
    }
    for (const auto& [ball, bin] : found.moves) {
      state_.put(ball, bin);
    }
    return true;
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
    const auto& one = problem_.balls[ball];
    const double left = state_.load(from) - weight_in(one, problem_.bins[from]);
    for (const auto i : state_.cells_in(problem_.balls[ball].reach)) {
      const auto& cell = state_.cells()[i];
      ++work_;
      if (cell.bins.empty()) {
        continue;
      }
      const auto to = cell.bins.begin()->bin;
      if (to != from && is_allowed(ball, from, to)) {
        offer({std::max(left, state_.load(to) + weight_in(one, problem_.bins[to])), ball, to, {}});
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
      const double left = state_.load(from) - gain * problem_.bins[from].per_weight;
      const double there = state_.load(to) + gain * problem_.bins[to].per_weight;
      offer({std::max(left, there), ball, to, other});
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
  static constexpr std::size_t kPairBins = 64;
  static constexpr std::size_t kTripleBins = 8;
  static constexpr std::size_t kQuadBins = 6;
  static constexpr std::size_t kGroupSteps = 3'000;
  static constexpr std::size_t kWork = 3'000'000;  // Some tens of milliseconds.
  static constexpr double kClose = 0.005;          // Near enough to the target to search no more.

  State& state_;
  const Problem& problem_;
  const std::vector<bool>& movable_;
  double target_;
  double worthwhile_ = kLeastGain;
  bool keeps_cache_ = false;  // Nothing goes away from its VM's cache.
  std::optional<Step> step_;
  double limit_ = 0;  // Steps must stay below this.
  std::size_t work_ = 0;
  std::size_t steps_ = 0;   // Left for searches among groups of bins.
  bool is_packed_ = false;  // All bins have been packed once.
  bool is_best_ = false;    // And no other packing is better.
};

}  // namespace

bool improve(State& state, const std::vector<bool>& movable, double target) {
  return Improver(state, movable, target).run();
}

void even_out(State& state, const std::vector<bool>& movable, const Evenness& evenness) {
  Improver(state, movable, 0).even_out(evenness);
}

}  // namespace irqtune::planning
