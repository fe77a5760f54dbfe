// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/even/deal.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace irqtune::planning {

namespace {

class Dealer {
 public:
  Dealer(const Problem& problem, Placement placement)
      : problem_(problem),
        at_(std::move(placement)),
        slack_(std::max(kNothing, kAboutEqual * load_bound(problem))) {
    for (const auto& bin : problem.bins) {
      load_.push_back(bin.base);
      room_.push_back(bin.slots);
      primaries_.push_back(bin.covered ? 1 : 0);
    }
    for (std::size_t i = 0; i < at_.size(); ++i) {
      add(i);
    }
  }

  Placement run() {
    for (std::size_t i = 0; i < at_.size(); ++i) {
      if (is_free(i)) {
        deal(i);
      }
    }
    return std::move(at_);
  }

 private:
  using Core = std::pair<std::size_t, int>;  // A device that has a primary on a core.
  using Class = std::tuple<std::size_t, const std::vector<int>*, std::size_t, std::size_t, Role>;

  static constexpr double kNothing = 1;  // Interrupts a second.

  void add(std::size_t ball) {
    if (!at_[ball]) {
      return;
    }
    const auto& one = problem_.balls[ball];
    const auto& bin = problem_.bins[*at_[ball]];
    load_[*at_[ball]] += weight_in(one, bin);
    --room_[*at_[ball]];
    if (one.role == Role::primary) {
      ++primaries_[*at_[ball]];
      cores_.emplace(one.device, bin.core);
    }
  }

  [[nodiscard]] bool is_free(std::size_t ball) const {
    const auto& one = problem_.balls[ball];
    return one.weight == 0 && at_[ball] && at_[ball] != one.current &&
           (one.role == Role::auxiliary || primaries_[*at_[ball]] > 1);
  }

  void deal(std::size_t ball) {
    auto& at = *at_[ball];
    const auto& bins = as_good(problem_.balls[ball], at);
    const auto most = std::ranges::max_element(bins, {}, [&](auto bin) { return room_[bin]; });
    if (most != bins.end() && room_[*most] > room_[at] + 1) {
      const std::size_t primary = problem_.balls[ball].role == Role::primary ? 1 : 0;
      ++room_[at];
      primaries_[at] -= primary;
      at = *most;
      --room_[at];
      primaries_[at] += primary;
    }
  }

  // Loads do not change while balls that carry nothing are dealt out, so that this is found once.
  const std::vector<std::size_t>& as_good(const Ball& ball, std::size_t at) {
    const auto [place, is_new] =
        alike_.try_emplace(Class{ball.reach, ball.llcs, ball.device, at, ball.role});
    if (is_new) {
      place->second = list_as_good(ball, at);
    }
    return place->second;
  }

  [[nodiscard]] std::vector<std::size_t> list_as_good(const Ball& ball, std::size_t at) const {
    std::vector<std::size_t> bins;
    for (std::size_t bin = 0; bin < problem_.bins.size(); ++bin) {
      if (is_as_good(ball, at, bin)) {
        bins.push_back(bin);
      }
    }
    return bins;
  }

  [[nodiscard]] bool is_as_good(const Ball& ball, std::size_t at, std::size_t other) const {
    const auto& here = problem_.bins[at];
    const auto& there = problem_.bins[other];
    return here.first == there.first && here.group == there.group &&
           std::abs(load_[at] - load_[other]) <= slack_ &&
           shares_cache(ball, here) == shares_cache(ball, there) &&
           (ball.role == Role::primary || beside(ball, here) == beside(ball, there));
  }

  [[nodiscard]] bool beside(const Ball& ball, const Bin& bin) const {
    return cores_.contains({ball.device, bin.core});
  }

  const Problem& problem_;
  Placement at_;
  std::vector<double> load_;
  std::vector<std::size_t> primaries_;
  std::vector<std::size_t> room_;  ///< Slots that are left.
  std::set<Core> cores_;
  std::map<Class, std::vector<std::size_t>> alike_;
  double slack_;
};

}  // namespace

Placement dealt_out(const Problem& problem, Placement placement) {
  return Dealer(problem, std::move(placement)).run();
}

}  // namespace irqtune::planning
