// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "plan/balance.h"
#include "plan/greedy.h"
#include "plan/hierarchy.h"
#include "plan/improve.h"
#include "plan/state.h"

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

/// As if no ball were anywhere: what it comes to does not depend on where they are now, so that a
/// planned host is held against the same measure as the host before.
State ideal(const Problem& problem) {
  const std::vector<bool> keep(problem.balls.size(), false);
  State state(problem);
  fill(state, balls_without(problem, keep), cover_first_threads(problem, keep));
  improve(state, std::vector<bool>(problem.balls.size(), true), load_bound(problem));
  return state;
}

/// Balls that may start where they are: not more than the bin has slots, and no auxiliary on a
/// first thread that could be on a sibling.
std::vector<bool> keepable(const Problem& problem) {
  const auto has_siblings = reaches_with_siblings(problem);
  std::vector<bool> keep(problem.balls.size());
  std::vector<std::size_t> count(problem.bins.size());
  for (const bool in_place : {true, false}) {
    for (std::size_t i = 0; i < keep.size(); ++i) {
      const auto& ball = problem.balls[i];
      if (!ball.current || ball.in_place != in_place) {
        continue;
      }
      const auto& bin = problem.bins[*ball.current];
      const bool misplaced = ball.role == Role::auxiliary && bin.first && has_siblings[ball.reach];
      keep[i] = !misplaced && count[*ball.current] < bin.slots;
      count[*ball.current] += keep[i] ? 1U : 0U;
    }
  }
  return keep;
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
    const bool fits = state.load(*ball.current) + ball.weight <= limit;
    const bool primary = ball.role == Role::primary;
    const bool covers = primary && problem.bins[*at].first && state.primaries(*at) == 1;
    const bool opens = primary && state.kind(*ball.current) == BinKind::open;
    const bool aside = primary || problem.bins[*at].first || !problem.bins[*ball.current].first;
    if (fits && aside && (!covers || opens)) {
      state.take(i);
      state.put(i, *ball.current);
    }
  }
}

/// Keeps what is in place, as far as the hierarchy and `limit` allow.
State settled(const Problem& problem, double goal, double limit) {
  auto keep = keepable(problem);
  auto cover = cover_first_threads(problem, keep);
  for (const auto ball : cover.released) {
    keep[ball] = false;
  }
  State state(problem);
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i]) {
      state.put(i, *problem.balls[i].current);
    }
  }
  fill(state, balls_without(problem, keep), std::move(cover));
  auto movable = keep;
  movable.flip();
  improve(state, movable, goal);
  for (std::size_t i = 0; state.largest() > limit && i < 2; ++i) {
    // First those that are written anyway, then those in place too.
    for (std::size_t ball = 0; ball < keep.size(); ++ball) {
      movable[ball] = movable[ball] || i > 0 || !problem.balls[ball].in_place;
    }
    improve(state, movable, limit);
  }
  put_back(state, limit);
  return state;
}

}  // namespace

Placement solve_fast(const Problem& problem) {
  const auto best = ideal(problem);
  const bool any_kept =
      std::ranges::any_of(problem.balls, [](const Ball& ball) { return ball.current.has_value(); });
  if (!any_kept) {
    return best.placement();
  }
  const double limit = tolerated(problem, best.largest());
  const auto kept = settled(problem, best.largest(), limit);
  return kept.largest() <= limit ? kept.placement() : best.placement();
}

}  // namespace irqtune::planning
