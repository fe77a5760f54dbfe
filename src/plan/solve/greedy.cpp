// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/greedy.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

namespace irqtune::planning {

namespace {

/// In [0, 1], 0 for the variation 0; the same on every machine.
double noise(std::size_t ball, std::uint32_t variation) {
  const auto mixed = (static_cast<std::uint32_t>(ball) + 1) * variation * 2'654'435'761U;
  return static_cast<double>(mixed >> 16U) / 65'535;
}

class Filler {
 public:
  Filler(State& state, Cover cover)
      : state_(state),
        problem_(state.problem()),
        owed_(std::move(cover.owed)),
        waiting_(problem_.reaches.size()) {
    owed_.resize(problem_.reaches.size());
    slack_ = kAboutEqual * load_bound(problem_);
    for (std::size_t bin = 0; bin < problem_.bins.size(); ++bin) {
      if (!problem_.bins[bin].first) {
        siblings_[problem_.bins[bin].core].push_back(bin);
      }
    }
  }

  void run(std::vector<std::size_t> balls, std::uint32_t variation) {
    std::ranges::stable_sort(balls, {}, [&](std::size_t i) {
      const auto& ball = problem_.balls[i];
      return std::tuple(ball.role, -ball.weight * (1 + kSwing * noise(i, variation)), i);
    });
    for (const auto i : balls) {
      waiting_[problem_.balls[i].reach] += problem_.balls[i].role == Role::primary ? 1U : 0U;
    }
    for (const auto i : balls) {
      const auto bin =
          problem_.balls[i].role == Role::primary ? place_for_primary(i) : place_for_auxiliary(i);
      if (bin) {
        state_.put(i, *bin);
      }
    }
  }

 private:
  std::optional<std::size_t> place_for_primary(std::size_t ball) {
    const auto reach = problem_.balls[ball].reach;
    const auto owes = [&](const Cell& cell) {
      return cell.kind == BinKind::open && owed_[reach][cell.group] > 0;
    };
    std::size_t owed = 0;
    for (const auto number : owed_[reach]) {
      owed += number;
    }
    auto bin = waiting_[reach]-- <= owed ? best(ball, owes) : std::nullopt;
    if (!bin) {
      bin = best(ball, [](const Cell&) { return true; });
    }
    if (bin && state_.kind(*bin) == BinKind::open) {
      discharge(reach, problem_.bins[*bin].group);
    }
    return bin;
  }

  // A covered first thread pays the debt of its own reach, else that of any other.
  void discharge(std::size_t reach, std::size_t group) {
    for (std::size_t step = 0; step < owed_.size(); ++step) {
      auto& owed = owed_[(reach + step) % owed_.size()][group];
      if (owed > 0) {
        --owed;
        return;
      }
    }
  }

  std::optional<std::size_t> place_for_auxiliary(std::size_t ball) {
    if (const auto beside = beside_own(ball)) {
      return beside;
    }
    const auto sibling = best(ball, [](const Cell& cell) { return cell.kind == BinKind::sibling; });
    return sibling ? sibling : best(ball, [](const Cell&) { return true; });
  }

  // The least loaded sibling thread of a core with a primary of the same device; of about equal
  // ones one beside its VM's cache.
  std::optional<std::size_t> beside_own(std::size_t ball) {
    std::vector<Rank> fitting;
    double least = std::numeric_limits<double>::infinity();
    for (const auto bin : siblings_of_device(problem_.balls[ball].device)) {
      const Rank rank{state_.load(bin), state_.count(bin), bin};
      if (!state_.is_full(bin) && reaches(problem_, problem_.balls[ball], problem_.bins[bin]) &&
          rank.load <= state_.largest()) {
        fitting.push_back(rank);
        least = std::min(least, rank.load);
      }
    }
    std::erase_if(fitting, [&](const Rank& rank) { return rank.load > least + slack_; });
    const auto found = std::ranges::min_element(fitting, {}, [&](const Rank& rank) {
      return std::pair(!shares_cache(problem_.balls[ball], problem_.bins[rank.bin]), rank);
    });
    return found != fitting.end() ? std::optional(found->bin) : std::nullopt;
  }

  const std::vector<std::size_t>& siblings_of_device(std::size_t device) {
    if (beside_.empty()) {
      list_siblings();
    }
    return beside_[device];
  }

  void list_siblings() {
    for (std::size_t i = 0; i < problem_.balls.size(); ++i) {
      const auto& at = state_.placement()[i];
      if (!at || problem_.balls[i].role != Role::primary) {
        continue;
      }
      const auto core = siblings_.find(problem_.bins[*at].core);
      auto& list = beside_[problem_.balls[i].device];
      if (core != siblings_.end()) {
        list.insert(list.end(), core->second.begin(), core->second.end());
      }
    }
    for (auto& [key, list] : beside_) {
      std::ranges::sort(list);
      list.erase(std::unique(list.begin(), list.end()), list.end());
    }
  }

  // Of the least loaded bin of the cell, which is not empty, once the ball is there.
  [[nodiscard]] double load_with(std::size_t ball, const Cell& cell) const {
    return cell.bins.begin()->load + problem_.balls[ball].weight * cell.per_weight;
  }

  template <typename Fits>
  [[nodiscard]] std::optional<std::size_t> best(std::size_t ball, Fits fits) const {
    const auto& cells = state_.cells_in(problem_.balls[ball].reach);
    double least = std::numeric_limits<double>::infinity();
    for (const auto i : cells) {
      const auto& cell = state_.cells()[i];
      if (!cell.bins.empty() && fits(cell)) {
        least = std::min(least, load_with(ball, cell));
      }
    }
    std::optional<std::tuple<bool, BinKind, double, Rank>> found;
    for (const auto i : cells) {
      const auto& cell = state_.cells()[i];
      if (cell.bins.empty() || !fits(cell) || load_with(ball, cell) > least + slack_) {
        continue;
      }
      const auto& rank = *cell.bins.begin();
      const bool stranger = !shares_cache(problem_.balls[ball], problem_.bins[rank.bin]);
      const std::tuple key(stranger, cell.kind, load_with(ball, cell), rank);
      if (!found || key < *found) {
        found = key;
      }
    }
    return found ? std::optional(std::get<Rank>(*found).bin) : std::nullopt;
  }

  static constexpr double kSwing = 1;  // By so much of itself a weight is varied.

  State& state_;
  const Problem& problem_;
  std::vector<std::vector<std::size_t>> owed_;
  std::vector<std::size_t> waiting_;                        // Primaries still to place, by reach.
  std::map<int, std::vector<std::size_t>> siblings_;        // By core.
  std::map<std::size_t, std::vector<std::size_t>> beside_;  // By device.
  double slack_ = 0;
};

}  // namespace

void fill(State& state, std::vector<std::size_t> balls, Cover cover, std::uint32_t variation) {
  Filler(state, std::move(cover)).run(std::move(balls), variation);
}

}  // namespace irqtune::planning
