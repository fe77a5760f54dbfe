// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/flow/seat.h"

#include "plan/solve/greedy.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace irqtune::planning {

namespace {

bool is_misplaced(const State& state, std::size_t ball) {
  const auto& at = state.placement()[ball];
  return state.problem().balls[ball].role == Role::auxiliary && at &&
         state.problem().bins[*at].first;
}

/// Slots left on sibling threads, by group.
std::map<std::size_t, std::size_t> free_seats(const State& state) {
  const auto& problem = state.problem();
  std::map<std::size_t, std::size_t> seats;
  for (std::size_t bin = 0; bin < problem.bins.size(); ++bin) {
    if (!problem.bins[bin].first) {
      const auto slots = std::min(problem.bins[bin].slots, problem.balls.size());
      seats[problem.bins[bin].group] += slots - std::min(slots, state.count(bin));
    }
  }
  return seats;
}

bool take_free_seats(State& state) {
  const auto& problem = state.problem();
  auto seats = free_seats(state);
  std::vector<std::size_t> moving;
  for (std::size_t i = 0; i < problem.balls.size(); ++i) {
    if (!is_misplaced(state, i)) {
      continue;
    }
    const auto& reach = problem.reaches[problem.balls[i].reach];
    const auto place =
        std::ranges::find_if(reach, [&](const Reach& to) { return seats[to.group] > 0; });
    if (place != reach.end()) {
      --seats[place->group];
      moving.push_back(i);
    }
  }
  for (const auto ball : moving) {
    state.take(ball);
  }
  fill(state, moving, {});
  return !moving.empty();
}

/// Makes room on sibling threads that are full.
class Seater {
 public:
  explicit Seater(State& state) : state_(state), problem_(state.problem()) {
    for (std::size_t bin = 0; bin < problem_.bins.size(); ++bin) {
      if (!problem_.bins[bin].first) {
        siblings_[problem_.bins[bin].group].push_back(bin);
      }
    }
  }

  // True if the auxiliary is on a sibling thread now.
  bool seat(std::size_t auxiliary) {
    const auto from = *state_.placement()[auxiliary];
    state_.take(auxiliary);
    std::set<std::size_t> asked;
    const auto freed = free_seat(auxiliary, asked);
    state_.put(auxiliary, freed.value_or(from));
    return freed.has_value();
  }

 private:
  // A sibling thread that has a slot for the ball, emptied if need be. `asked`: groups that have
  // been asked already.
  std::optional<std::size_t> free_seat(std::size_t ball, std::set<std::size_t>& asked) {
    if (const auto open = least_loaded(ball, true)) {
      return open;
    }
    for (const auto& place : problem_.reaches[problem_.balls[ball].reach]) {
      const bool fresh = asked.insert(place.group).second;
      const auto freed =
          fresh ? clear_seat(place.group, problem_.balls[ball].weight, asked) : std::nullopt;
      if (freed) {
        return freed;
      }
    }
    return std::nullopt;
  }

  // The least loaded thread of a kind, sibling or first, with a slot for the ball.
  [[nodiscard]] std::optional<std::size_t> least_loaded(std::size_t ball, bool sibling) const {
    const Rank* best = nullptr;
    for (const auto i : state_.cells_in(problem_.balls[ball].reach)) {
      const auto& cell = state_.cells()[i];
      if ((cell.kind == BinKind::sibling) == sibling && !cell.bins.empty() &&
          (best == nullptr || *cell.bins.begin() < *best)) {
        best = &*cell.bins.begin();
      }
    }
    return best != nullptr ? std::optional(best->bin) : std::nullopt;
  }

  // Primaries leave for first threads, else auxiliaries for sibling threads of other groups.
  std::optional<std::size_t> clear_seat(std::size_t group,
                                        double weight,
                                        std::set<std::size_t>& asked) {
    if (const auto way = best_exchange(group, weight)) {
      return move(way->primary, way->to);
    }
    for (const auto bin : siblings_[group]) {
      if (const auto freed = move_auxiliary(bin, asked)) {
        return freed;
      }
    }
    return std::nullopt;
  }

  // One auxiliary leaves the sibling thread for another.
  std::optional<std::size_t> move_auxiliary(std::size_t bin, std::set<std::size_t>& asked) {
    for (const auto ball : state_.balls(bin)) {
      const bool auxiliary = problem_.balls[ball].role == Role::auxiliary;
      if (const auto to = auxiliary ? free_seat(ball, asked) : std::nullopt) {
        return move(ball, *to);
      }
    }
    return std::nullopt;
  }

  // Returns where the ball was.
  std::size_t move(std::size_t ball, std::size_t to) {
    const auto from = *state_.placement()[ball];
    state_.take(ball);
    state_.put(ball, to);
    return from;
  }

  /// A primary that could leave a sibling thread to an auxiliary.
  struct Exchange {
    double larger = 0;  ///< The larger load of the two bins that gain, afterwards.
    std::size_t primary = 0;
    std::size_t to = 0;
    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 mistakes the defaulted operator
    friend auto operator<=>(const Exchange&, const Exchange&) = default;
  };

  [[nodiscard]] std::optional<Exchange> best_exchange(std::size_t group, double weight) {
    std::optional<Exchange> best;
    for (const auto bin : siblings_[group]) {
      for (const auto ball : state_.balls(bin)) {
        const auto exchange = exchange_for(ball, bin, weight);
        best = exchange && (!best || *exchange < *best) ? exchange : best;
      }
    }
    return best;
  }

  // Empty if the ball is no primary, or no first thread has a slot for it.
  [[nodiscard]] std::optional<Exchange> exchange_for(std::size_t ball,
                                                     std::size_t bin,
                                                     double weight) const {
    const bool primary = problem_.balls[ball].role == Role::primary;
    const auto to = primary ? least_loaded(ball, false) : std::nullopt;
    if (!to) {
      return std::nullopt;
    }
    const auto& one = problem_.balls[ball];
    const auto& from = problem_.bins[bin];
    const double left = state_.load(bin) - weight_in(one, from) + weight * from.per_weight;
    const double larger = std::max(left, state_.load(*to) + weight_in(one, problem_.bins[*to]));
    return Exchange{larger, ball, *to};
  }

  State& state_;
  const Problem& problem_;
  std::map<std::size_t, std::vector<std::size_t>> siblings_;  // Sibling threads, by group.
};

}  // namespace

bool seat_auxiliaries(State& state) {
  bool changed = take_free_seats(state);
  Seater seater(state);
  for (std::size_t i = 0; i < state.problem().balls.size(); ++i) {
    changed = (is_misplaced(state, i) && seater.seat(i)) || changed;
  }
  return changed;
}

}  // namespace irqtune::planning
