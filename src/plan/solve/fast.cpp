// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/balance.h"
#include "plan/solve/even/spread.h"
#include "plan/solve/flow/hierarchy.h"
#include "plan/solve/flow/seat.h"
#include "plan/solve/greedy.h"
#include "plan/solve/improve.h"
#include "plan/solve/search/keep.h"
#include "plan/solve/state.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace irqtune::planning {

namespace {

std::vector<std::size_t> balls_without(const Problem& problem, const std::vector<bool>& keep) {
  std::vector<std::size_t> balls;
  for (std::size_t i = 0; i < problem.balls.size(); ++i) {
    if (!keep[i]) {
      balls.push_back(i);
    }
  }
  return balls;
}

/// Balls that may start where they are: not more than the bin has slots.
std::vector<bool> keepable(const Problem& problem) {
  std::vector<bool> keep(problem.balls.size());
  std::vector<std::size_t> count(problem.bins.size());
  for (const auto i : in_place_first(problem)) {
    const auto& current = problem.balls[i].current;
    if (current && count[*current] < problem.bins[*current].slots) {
      keep[i] = true;
      ++count[*current];
    }
  }
  return keep;
}

Disorder disorder(const State& state) {
  return disorder_in(state.problem(), state.placement());
}

State placed(const Problem& problem, const Placement& placement) {
  State state(problem);
  for (std::size_t i = 0; i < placement.size(); ++i) {
    if (placement[i]) {
      state.put(i, *placement[i]);
    }
  }
  return state;
}

struct Ideal {
  State state;
  double bound = 0;  ///< No placement has a smaller largest load.
};

bool is_far(const Ideal& made) {
  constexpr double kNear = 0.02;
  return made.state.largest() > made.bound * (1 + kNear);
}

/// How many starts are worth it: all together they place some thousand balls.
std::uint32_t attempts(const Problem& problem) {
  constexpr std::size_t kMost = 16;
  constexpr std::size_t kBalls = 1'000;
  return static_cast<std::uint32_t>(std::min(kMost, kBalls / (problem.balls.size() + 1)));
}

/// Starts at a placement of its own for each `variation`.
Ideal attempt(const Problem& problem, double bound, std::uint32_t variation) {
  const std::vector<bool> keep(problem.balls.size(), false);
  const std::vector<bool> all(problem.balls.size(), true);
  Ideal made{State(problem), bound};
  fill(made.state, balls_without(problem, keep), cover_first_threads(problem, keep), variation);
  seat_auxiliaries(made.state);
  bool proven = improve(made.state, all, bound);
  for (int round = 0; round < 3 && seat_auxiliaries(made.state); ++round) {
    proven = improve(made.state, all, bound);
  }
  if (proven) {
    made.bound = std::max(bound, searched_bound(made.state.largest()));
  }
  return made;
}

/// As if no ball were anywhere: what it comes to does not depend on where they are now, so that a
/// planned host is held against the same measure as the host before. Where the bound stays far,
/// other starts are tried.
Ideal ideal(const Problem& problem) {
  auto best = attempt(problem, load_bound(problem), 0);
  for (std::uint32_t variation = 1; variation < attempts(problem) && is_far(best); ++variation) {
    auto other = attempt(problem, best.bound, variation);
    if (disorder(other.state) <= disorder(best.state) &&
        other.state.largest() < best.state.largest()) {
      best = std::move(other);
    }
  }
  const std::vector<bool> all(problem.balls.size(), true);
  even_out(best.state, all);
  best.state = placed(problem, spread_out(problem, best.state.placement(), all));
  return best;
}

/// Balls go back to where they were, as far as the limit allows.
void put_back(State& state, double limit) {
  const auto& problem = state.problem();
  for (std::size_t i = 0; i < problem.balls.size(); ++i) {
    const auto& ball = problem.balls[i];
    const auto at = state.placement()[i];
    if (!ball.current || !at || at == ball.current || state.is_full(*ball.current)) {
      continue;
    }
    const bool fits =
        state.load(*ball.current) + weight_in(ball, problem.bins[*ball.current]) <= limit;
    const bool primary = ball.role == Role::primary;
    const bool opens = primary && state.kind(*ball.current) == BinKind::open;
    const bool aside = primary || problem.bins[*at].first || !problem.bins[*ball.current].first;
    if (fits && aside && (!state.covers_alone(i) || opens)) {
      state.take(i);
      state.put(i, *ball.current);
    }
  }
}

/// The largest load, but for bins whose balls all may stay there.
double largest_unexcused(const State& state, const std::vector<bool>& may_stay) {
  const auto& problem = state.problem();
  const auto& ranks = state.by_load();
  const auto found = std::find_if(ranks.rbegin(), ranks.rend(), [&](const Rank& rank) {
    return std::ranges::any_of(state.balls(rank.bin), [&](std::size_t ball) {
      return !may_stay[ball] || problem.balls[ball].current != rank.bin;
    });
  });
  return found == ranks.rend() ? 0 : found->load;
}

/// With the balls of `keep` where they are, and the others beside them.
State around(const Problem& problem, const std::vector<bool>& keep, Cover cover, double goal) {
  State state(problem);
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i]) {
      state.put(i, *problem.balls[i].current);
    }
  }
  fill(state, balls_without(problem, keep), std::move(cover));
  seat_auxiliaries(state);
  auto movable = keep;
  movable.flip();
  improve(state, movable, goal);
  even_out(state, movable);
  return state;
}

/// Keeps what is in place, as far as the hierarchy and the limit allow.
State settled(const Problem& problem, double goal, const Terms& terms) {
  auto keep = keepable(problem);
  auto cover = cover_first_threads(problem, keep);
  for (const auto ball : cover.released) {
    keep[ball] = false;
  }
  auto state = around(problem, keep, std::move(cover), goal);
  auto movable = keep;
  movable.flip();
  const auto& may_stay = terms.may_stay;
  for (std::size_t i = 0; largest_unexcused(state, may_stay) > terms.limit && i < 2; ++i) {
    // First those that are written anyway, then those in place too.
    for (std::size_t ball = 0; ball < keep.size(); ++ball) {
      movable[ball] = movable[ball] || (i > 0 && !may_stay[ball]) || !problem.balls[ball].in_place;
    }
    improve(state, movable, terms.limit);
  }
  put_back(state, terms.limit);
  seat_auxiliaries(state);
  return state;
}

bool meets(const State& state, const Terms& terms) {
  return largest_unexcused(state, terms.may_stay) <= terms.limit &&
         disorder(state) <= terms.disorder;
}

/// As few moves as in `found`; what is written anyway is spread.
Placement spread(const Problem& problem, const Placement& found, const Terms& terms, double goal) {
  std::vector<bool> keep(found.size());
  for (std::size_t i = 0; i < keep.size(); ++i) {
    keep[i] = problem.balls[i].current && problem.balls[i].current == found[i];
  }
  auto cover = cover_first_threads(problem, keep);
  if (cover.released.empty()) {
    const auto state = around(problem, keep, std::move(cover), goal);
    if (meets(state, terms) && moves_in(problem, state.placement()) <= moves_in(problem, found)) {
      return state.placement();
    }
  }
  auto state = placed(problem, found);
  keep.flip();
  improve(state, keep, goal);
  even_out(state, keep);
  return state.placement();
}

/// The balls where they are, if every one of them may stay there.
std::optional<State> as_it_is(const Problem& problem) {
  State state(problem);
  for (std::size_t i = 0; i < problem.balls.size(); ++i) {
    const auto& current = problem.balls[i].current;
    if (!current || state.is_full(*current)) {
      return std::nullopt;
    }
    state.put(i, *current);
  }
  return state;
}

/// Keeps what is in place within the terms. `best`: as if nothing were anywhere.
Placement kept_within(const Problem& problem, const State& best, const Terms& terms) {
  const auto kept = settled(problem, best.largest(), terms);
  auto back = best;
  put_back(back, terms.limit);
  const auto& chosen = meets(kept, terms) ? kept : meets(back, terms) ? back : best;
  const auto most = keep_most(problem, terms, moves_in(problem, chosen.placement()));
  return most ? spread(problem, *most, terms, best.largest()) : chosen.placement();
}

/// Balanced by the largest load, with what is in place kept.
Solution balanced(const Problem& problem) {
  const auto [best, bound] = ideal(problem);
  const bool any_kept =
      std::ranges::any_of(problem.balls, [](const Ball& ball) { return ball.current.has_value(); });
  if (!any_kept) {
    return {best.placement(), bound};
  }
  const double goal = best.largest();
  const Terms terms{tolerated(problem, goal), excused(problem), disorder(best)};
  if (const auto now = as_it_is(problem); now && meets(*now, terms)) {
    return {now->placement(), bound};
  }
  return {kept_within(problem, best, terms), bound};
}

}  // namespace

Solution solve_fast(const Problem& problem) {
  auto [placement, bound] = balanced(problem);
  const auto free = free_to_spread(problem, placement);
  return {spread_out(problem, std::move(placement), free), bound};
}

}  // namespace irqtune::planning
