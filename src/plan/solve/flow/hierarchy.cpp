// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/flow/hierarchy.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

namespace irqtune::planning {

namespace {

using Matrix = std::vector<std::vector<std::size_t>>;

/// Maximum flow from the reaches' spare primaries to the groups' uncovered first threads. It may
/// reroute what covers already, and takes the ways that reroute least.
class Flow {
 public:
  Flow(const Problem& problem,
       Matrix covering,
       std::vector<std::size_t> spare,
       std::vector<std::size_t> uncovered)
      : problem_(problem),
        covering_(std::move(covering)),
        spare_(std::move(spare)),
        uncovered_(std::move(uncovered)) {}

  Matrix run() {
    while (augment()) {
    }
    return std::move(covering_);
  }

 private:
  // Breadth first over reaches and groups; parents tell the way back.
  bool augment() {
    start();
    while (!queue_.empty()) {
      const auto reach = queue_.front();
      queue_.pop_front();
      if (const auto group = visit(reach)) {
        push(*group);
        return true;
      }
    }
    return false;
  }

  void start() {
    reach_parent_.assign(problem_.reaches.size(), std::nullopt);
    group_parent_.assign(uncovered_.size(), std::nullopt);
    seen_.assign(problem_.reaches.size(), false);
    queue_.clear();
    for (std::size_t reach = 0; reach < spare_.size(); ++reach) {
      if (spare_[reach] > 0) {
        seen_[reach] = true;
        queue_.push_back(reach);
      }
    }
  }

  // A group of the reach that has uncovered first threads; the others' reaches are queued.
  std::optional<std::size_t> visit(std::size_t reach) {
    for (const auto& place : problem_.reaches[reach]) {
      if (group_parent_[place.group]) {
        continue;
      }
      group_parent_[place.group] = reach;
      if (uncovered_[place.group] > 0) {
        return place.group;
      }
      queue_coverers(place.group);
    }
    return std::nullopt;
  }

  void queue_coverers(std::size_t group) {
    for (std::size_t reach = 0; reach < seen_.size(); ++reach) {
      if (!seen_[reach] && covering_[reach][group] > 0) {
        seen_[reach] = true;
        reach_parent_[reach] = group;
        queue_.push_back(reach);
      }
    }
  }

  void push(std::size_t last) {
    std::size_t amount = uncovered_[last];
    std::size_t reach = *group_parent_[last];
    for (auto group = reach_parent_[reach]; group; group = reach_parent_[reach]) {
      amount = std::min(amount, covering_[reach][*group]);
      reach = *group_parent_[*group];
    }
    amount = std::min(amount, spare_[reach]);
    spare_[reach] -= amount;
    uncovered_[last] -= amount;
    reach = *group_parent_[last];
    covering_[reach][last] += amount;
    for (auto group = reach_parent_[reach]; group; group = reach_parent_[reach]) {
      covering_[reach][*group] -= amount;
      reach = *group_parent_[*group];
      covering_[reach][*group] += amount;
    }
  }

  const Problem& problem_;
  Matrix covering_;
  std::vector<std::size_t> spare_;
  std::vector<std::size_t> uncovered_;
  std::vector<std::optional<std::size_t>> reach_parent_;
  std::vector<std::optional<std::size_t>> group_parent_;
  std::vector<bool> seen_;         // Reaches that are or were in the queue.
  std::deque<std::size_t> queue_;  // Of reaches.
};

/// Builds a Cover.
class Coverage {
 public:
  Coverage(const Problem& problem, const std::vector<bool>& keep)
      : problem_(problem), keep_(keep), holder_(problem.bins.size()) {
    for (const auto& bin : problem.bins) {
      groups_ = std::max(groups_, bin.group + 1);
    }
  }

  Cover run() {
    choose_holders();
    const auto held = count_holders();
    const auto covering = Flow(problem_, held, spare(held), uncovered()).run();
    Cover cover;
    cover.owed.assign(problem_.reaches.size(), std::vector<std::size_t>(groups_));
    std::vector<std::size_t> need(problem_.reaches.size());
    for (std::size_t reach = 0; reach < need.size(); ++reach) {
      for (std::size_t group = 0; group < groups_; ++group) {
        const auto kept = std::min(held[reach][group], covering[reach][group]);
        cover.owed[reach][group] = covering[reach][group] - kept;
        need[reach] += cover.owed[reach][group];
        release_holders(reach, group, held[reach][group] - kept, cover);
      }
    }
    release_spare(need, cover);
    return cover;
  }

 private:
  [[nodiscard]] bool can_be_covered(std::size_t bin) const {
    return problem_.bins[bin].first && !problem_.bins[bin].covered;
  }

  // The one that had best stay: it is written least, and is the heaviest.
  [[nodiscard]] auto worth(std::size_t ball) const {
    return std::tuple(problem_.balls[ball].in_place, problem_.balls[ball].weight);
  }

  void choose_holders() {
    for (std::size_t i = 0; i < problem_.balls.size(); ++i) {
      const auto& ball = problem_.balls[i];
      if (!keep_[i] || ball.role != Role::primary || !can_be_covered(*ball.current)) {
        continue;
      }
      auto& holder = holder_[*ball.current];
      if (!holder || worth(*holder) < worth(i)) {
        holder = i;
      }
    }
  }

  [[nodiscard]] Matrix count_holders() const {
    Matrix held(problem_.reaches.size(), std::vector<std::size_t>(groups_));
    for (std::size_t bin = 0; bin < holder_.size(); ++bin) {
      if (holder_[bin]) {
        ++held[problem_.balls[*holder_[bin]].reach][problem_.bins[bin].group];
      }
    }
    return held;
  }

  [[nodiscard]] std::vector<std::size_t> spare(const Matrix& held) const {
    std::vector<std::size_t> count(problem_.reaches.size());
    for (const auto& ball : problem_.balls) {
      count[ball.reach] += ball.role == Role::primary ? 1U : 0U;
    }
    for (std::size_t reach = 0; reach < count.size(); ++reach) {
      for (const auto number : held[reach]) {
        count[reach] -= number;
      }
    }
    return count;
  }

  [[nodiscard]] std::vector<std::size_t> uncovered() const {
    std::vector<std::size_t> kept(problem_.bins.size());
    for (std::size_t i = 0; i < problem_.balls.size(); ++i) {
      if (keep_[i]) {
        ++kept[*problem_.balls[i].current];
      }
    }
    std::vector<std::size_t> count(groups_);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const auto& bin = problem_.bins[i];
      const bool has_room = kept[i] < bin.slots;
      count[bin.group] += can_be_covered(i) && !holder_[i] && has_room ? 1U : 0U;
    }
    return count;
  }

  void release_holders(std::size_t reach, std::size_t group, std::size_t count, Cover& cover) {
    if (count == 0) {
      return;
    }
    std::vector<std::size_t> holders;
    for (std::size_t bin = 0; bin < holder_.size(); ++bin) {
      const bool fits = holder_[bin] && problem_.bins[bin].group == group &&
                        problem_.balls[*holder_[bin]].reach == reach;
      if (fits) {
        holders.push_back(*holder_[bin]);
      }
    }
    std::ranges::stable_sort(holders, {}, [&](std::size_t ball) { return worth(ball); });
    cover.released.insert(cover.released.end(),
                          holders.begin(),
                          holders.begin() + static_cast<std::ptrdiff_t>(count));
  }

  // Where the free balls are too few to cover all that is owed, kept ones that cover nothing help.
  void release_spare(std::vector<std::size_t>& need, Cover& cover) {
    std::vector<double> load(problem_.bins.size());
    std::vector<std::size_t> helpers;
    const auto helps = [&need](std::size_t reach) { need[reach] -= need[reach] > 0 ? 1U : 0U; };
    for (const auto ball : cover.released) {
      helps(problem_.balls[ball].reach);
    }
    for (std::size_t i = 0; i < problem_.balls.size(); ++i) {
      const auto& ball = problem_.balls[i];
      if (keep_[i]) {
        load[*ball.current] += weight_in(ball, problem_.bins[*ball.current]);
      }
      if (ball.role != Role::primary) {
        continue;
      }
      if (!keep_[i]) {
        helps(ball.reach);
      } else if (holder_[*ball.current] != i) {
        helpers.push_back(i);
      }
    }
    std::ranges::stable_sort(helpers, {}, [&](std::size_t i) {
      const auto& ball = problem_.balls[i];
      return std::tuple(ball.in_place, -load[*ball.current], -ball.weight);
    });
    for (const auto i : helpers) {
      auto& open = need[problem_.balls[i].reach];
      if (open > 0) {
        --open;
        cover.released.push_back(i);
      }
    }
  }

  const Problem& problem_;
  const std::vector<bool>& keep_;
  std::vector<std::optional<std::size_t>> holder_;  // The primary that covers each first thread.
  std::size_t groups_ = 0;
};

}  // namespace

Cover cover_first_threads(const Problem& problem, const std::vector<bool>& keep) {
  return Coverage(problem, keep).run();
}

}  // namespace irqtune::planning
