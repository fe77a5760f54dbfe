// SPDX-License-Identifier: Apache-2.0
#include "plan/balance.h"
#include "plan/greedy.h"
#include "plan/hierarchy.h"
#include "plan/improve.h"
#include "plan/state.h"

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

/// Auxiliaries on first threads go to sibling threads, as far as those have slots.
void move_auxiliaries(State& state) {
  const auto& problem = state.problem();
  std::map<std::size_t, std::size_t> room;  // Of sibling threads, by group.
  for (std::size_t bin = 0; bin < problem.bins.size(); ++bin) {
    if (!problem.bins[bin].first) {
      const auto slots = std::min(problem.bins[bin].slots, problem.balls.size());
      room[problem.bins[bin].group] += slots - std::min(slots, state.count(bin));
    }
  }
  std::vector<std::size_t> moving;
  for (std::size_t i = 0; i < problem.balls.size(); ++i) {
    const auto& ball = problem.balls[i];
    const auto at = state.placement()[i];
    if (ball.role == Role::primary || !at || !problem.bins[*at].first) {
      continue;
    }
    const auto& reach = problem.reaches[ball.reach];
    const auto place =
        std::ranges::find_if(reach, [&](const Reach& to) { return room[to.group] > 0; });
    if (place != reach.end()) {
      --room[place->group];
      moving.push_back(i);
    }
  }
  for (const auto ball : moving) {
    state.take(ball);
  }
  fill(state, moving, {});
}

/// As if no ball were anywhere: what it comes to does not depend on where they are now, so that a
/// planned host is held against the same measure as the host before.
State ideal(const Problem& problem) {
  const std::vector<bool> keep(problem.balls.size(), false);
  State state(problem);
  fill(state, balls_without(problem, keep), cover_first_threads(problem, keep));
  const std::vector<bool> all(problem.balls.size(), true);
  improve(state, all, load_bound(problem));
  even_out(state, all);
  move_auxiliaries(state);
  return state;
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
  move_auxiliaries(state);
  auto movable = keep;
  movable.flip();
  improve(state, movable, goal);
  even_out(state, movable);
  const auto may_stay = excused(problem);
  for (std::size_t i = 0; largest_unexcused(state, may_stay) > limit && i < 2; ++i) {
    // First those that are written anyway, then those in place too.
    for (std::size_t ball = 0; ball < keep.size(); ++ball) {
      movable[ball] = movable[ball] || (i > 0 && !may_stay[ball]) || !problem.balls[ball].in_place;
    }
    improve(state, movable, limit);
  }
  put_back(state, limit);
  move_auxiliaries(state);
  return state;
}

/// What the hierarchy comes to: first threads without a primary, auxiliaries on first threads.
std::pair<std::size_t, std::size_t> disorder(const State& state) {
  const auto& problem = state.problem();
  std::pair<std::size_t, std::size_t> found;
  for (std::size_t bin = 0; bin < problem.bins.size(); ++bin) {
    found.first += state.kind(bin) == BinKind::open ? 1U : 0U;
    for (const auto ball : state.balls(bin)) {
      const bool auxiliary = problem.balls[ball].role == Role::auxiliary;
      found.second += auxiliary && problem.bins[bin].first ? 1U : 0U;
    }
  }
  return found;
}

bool fills_a_bin(const Problem& problem, const Placement& placement) {
  std::vector<std::size_t> count(problem.bins.size());
  return std::ranges::any_of(placement, [&](const auto& bin) {
    return !bin || ++count[*bin] >= problem.bins[*bin].slots;
  });
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

Placement solve_once(const Problem& problem) {
  const auto best = ideal(problem);
  const bool any_kept =
      std::ranges::any_of(problem.balls, [](const Ball& ball) { return ball.current.has_value(); });
  if (!any_kept) {
    return best.placement();
  }
  const double limit = tolerated(problem, best.largest());
  const auto kept = settled(problem, best.largest(), limit);
  const auto may_stay = excused(problem);
  const auto& chosen =
      largest_unexcused(kept, may_stay) <= limit && disorder(kept) <= disorder(best) ? kept : best;
  const auto now = as_it_is(problem);
  if (now && largest_unexcused(*now, may_stay) <= limit) {
    const auto [uncovered, misplaced] = disorder(*now);
    const auto wanted = disorder(chosen);
    // Where sibling threads are full, which auxiliaries found room there is chance.
    const bool settled_down = misplaced <= wanted.second || fills_a_bin(problem, now->placement());
    if (uncovered <= wanted.first && settled_down) {
      return now->placement();
    }
  }
  return chosen.placement();
}

/// The problem as it is once the placement is carried out.
Problem carried_out(const Problem& problem, const Placement& placement) {
  auto after = problem;
  for (std::size_t i = 0; i < placement.size(); ++i) {
    after.balls[i].current = placement[i];
    after.balls[i].in_place = true;
  }
  return after;
}

}  // namespace

Placement solve_fast(const Problem& problem) {
  constexpr int kRounds = 8;
  auto placement = solve_once(problem);
  // Full bins are in the way of those that come late; what is planned must stand on its own.
  for (int round = 0; round < kRounds && fills_a_bin(problem, placement); ++round) {
    auto next = solve_once(carried_out(problem, placement));
    if (next == placement) {
      break;
    }
    placement = std::move(next);
  }
  return placement;
}

}  // namespace irqtune::planning
