// SPDX-License-Identifier: Apache-2.0
#include "plan/divide.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace irqtune::planning {

namespace {

constexpr std::size_t kMostBalls = 14;

class Divider {
 public:
  Divider(const State& state,
          const std::vector<bool>& movable,
          std::size_t first,
          std::size_t second)
      : state_(state), problem_(state.problem()), first_(first), second_(second) {
    for (const auto bin : {first, second}) {
      add_balls(bin, movable);
    }
  }

  [[nodiscard]] Division best() const {
    Division division;
    division.larger = std::max(state_.load(first_), state_.load(second_));
    if (balls_.size() > kMostBalls || here_ == 0) {
      return division;
    }
    const auto chosen = search(division);
    for (std::size_t i = 0; i < balls_.size(); ++i) {
      const bool was = bit(here_, i);
      const bool is = bit(chosen, i);
      if (was != is) {
        (is ? division.to_first : division.to_second).push_back(balls_[i]);
      }
    }
    return division;
  }

 private:
  // One ball more than there is work for is enough to know it.
  void add_balls(std::size_t bin, const std::vector<bool>& movable) {
    for (const auto ball : state_.balls(bin)) {
      if (balls_.size() > kMostBalls) {
        return;
      }
      if (movable[ball] && may_cross(ball)) {
        const auto mark = std::uint32_t{1} << balls_.size();
        balls_.push_back(ball);
        here_ |= bin == first_ ? mark : 0U;
        primaries_ |= is_primary(ball) ? mark : 0U;
      }
    }
  }

  static bool bit(std::uint32_t set, std::size_t i) { return ((set >> i) & 1U) != 0; }

  [[nodiscard]] bool is_primary(std::size_t ball) const {
    return problem_.balls[ball].role == Role::primary;
  }

  [[nodiscard]] bool may_cross(std::size_t ball) const {
    const auto& a = problem_.bins[first_];
    const auto& b = problem_.bins[second_];
    return (is_primary(ball) || a.first == b.first) && reaches(problem_, problem_.balls[ball], a) &&
           reaches(problem_, problem_.balls[ball], b);
  }

  // Every set of balls for the first bin in turn, one ball changing sides from one to the next.
  std::uint32_t search(Division& division) const {
    auto set = here_;
    auto chosen = here_;
    double first = state_.load(first_);
    double second = state_.load(second_);
    const std::uint32_t sets = std::uint32_t{1} << balls_.size();
    division.work = sets;
    for (std::uint32_t step = 1; step < sets; ++step) {
      const auto i = static_cast<std::size_t>(std::countr_zero(step));
      const double weight = problem_.balls[balls_[i]].weight;
      const double sign = bit(set, i) ? -1 : 1;
      first += sign * weight;
      second -= sign * weight;
      set ^= std::uint32_t{1} << i;
      const double larger = std::max(first, second);
      if (larger < division.larger && is_allowed(set)) {
        division.larger = larger;
        chosen = set;
      }
    }
    return chosen;
  }

  [[nodiscard]] bool is_allowed(std::uint32_t set) const {
    const auto all = (std::uint32_t{1} << balls_.size()) - 1;
    return suits(first_, set, here_) && suits(second_, all & ~set, all & ~here_);
  }

  // May the bin have `set` of the balls in place of `before`?
  [[nodiscard]] bool suits(std::size_t bin, std::uint32_t set, std::uint32_t before) const {
    const auto size = [](std::uint32_t of) { return static_cast<std::size_t>(std::popcount(of)); };
    const auto count = state_.count(bin) - size(before) + size(set);
    return count <= problem_.bins[bin].slots && !uncovers(bin, set, before);
  }

  // A first thread that has its only primaries among `before`, and none among `set`.
  [[nodiscard]] bool uncovers(std::size_t bin, std::uint32_t set, std::uint32_t before) const {
    const auto& is = problem_.bins[bin];
    if (!is.first || is.covered || (set & primaries_) != 0 || (before & primaries_) == 0) {
      return false;
    }
    const auto& balls = state_.balls(bin);
    const auto primaries =
        std::ranges::count_if(balls, [this](std::size_t ball) { return is_primary(ball); });
    return static_cast<int>(primaries) == std::popcount(before & primaries_);
  }

  const State& state_;
  const Problem& problem_;
  std::size_t first_;
  std::size_t second_;
  std::vector<std::size_t> balls_;
  std::uint32_t here_ = 0;       // Of `balls_`, those in the first bin.
  std::uint32_t primaries_ = 0;  // Of `balls_`.
};

}  // namespace

Division divide_anew(const State& state,
                     const std::vector<bool>& movable,
                     std::size_t first,
                     std::size_t second) {
  return Divider(state, movable, first, second).best();
}

}  // namespace irqtune::planning
