// SPDX-License-Identifier: Apache-2.0
#include "plan/balance.h"
#include "support/catch.h"
#include "support/dice.h"

#include <algorithm>
#include <tuple>

namespace irqtune::planning {

namespace {

using test::Dice;

/// Cores of one or two threads on up to two nodes at equal distance, vectors on some of them.
Problem random_problem(Dice& dice, int bins, int balls) {
  Problem problem;
  const int threads = dice.number(1, 2);
  const int groups = bins > threads ? dice.number(1, 2) : 1;
  for (int i = 0; i < bins; ++i) {
    Bin bin;
    bin.cpu = i;
    bin.core = i / threads;
    bin.first = i % threads == 0;
    bin.group = static_cast<std::size_t>(bin.core % groups);
    bin.base = dice.chance(30) ? dice.number(1, 900) : 0;
    bin.covered = bin.first && dice.chance(10);
    problem.bins.push_back(bin);
  }
  problem.reaches.emplace_back();
  for (int group = 0; group < groups; ++group) {
    problem.reaches[0].push_back({static_cast<std::size_t>(group), 0});
  }
  problem.reaches.push_back({{0, 0}});
  for (int i = 0; i < balls; ++i) {
    Ball ball;
    ball.weight = dice.one_of<int>({0, dice.number(1, 9), dice.number(10, 999)});
    ball.role = dice.chance(20) ? Role::auxiliary : Role::primary;
    ball.reach = dice.chance(70) ? 0 : 1;
    const auto bin = static_cast<std::size_t>(dice.number(0, bins - 1));
    if (dice.chance(50) && reaches(problem, ball, problem.bins[bin])) {
      ball.current = bin;
      ball.in_place = dice.chance(80);
    }
    problem.balls.push_back(ball);
  }
  return problem;
}

/// What the promises come to, for one placement.
struct Outcome {
  int uncovered = 0;
  int misplaced = 0;
  double largest = 0;

  [[nodiscard]] auto order() const { return std::tuple(uncovered, misplaced); }
};

Outcome judge(const Problem& problem, const Placement& placement) {
  std::vector<double> load(problem.bins.size());
  std::vector<bool> covered(problem.bins.size());
  Outcome outcome;
  for (std::size_t i = 0; i < placement.size(); ++i) {
    const auto at = placement[i].value();
    const bool primary = problem.balls[i].role == Role::primary;
    REQUIRE(reaches(problem, problem.balls[i], problem.bins[at]));
    load[at] += problem.balls[i].weight;
    covered[at] = covered[at] || primary;
    outcome.misplaced += !primary && problem.bins[at].first ? 1 : 0;
  }
  for (const auto& at_ball : placement) {
    const auto at = at_ball.value();
    outcome.largest = std::max(outcome.largest, load[at] + problem.bins[at].base);
  }
  for (std::size_t i = 0; i < covered.size(); ++i) {
    const auto& bin = problem.bins[i];
    outcome.uncovered += bin.first && !bin.covered && !covered[i] ? 1 : 0;
  }
  return outcome;
}

Problem carried_out(Problem problem, const Placement& placement) {
  for (std::size_t i = 0; i < placement.size(); ++i) {
    problem.balls[i].current = placement[i];
    problem.balls[i].in_place = true;
  }
  return problem;
}

}  // namespace

TEST_CASE("the fast solver keeps the hierarchy and the load of the exhaustive one",
          "[property][plan][solvers]") {
  const std::uint32_t seed = GENERATE(range(0U, 120U));
  Dice dice(seed);
  const auto problem = random_problem(dice, dice.number(2, 5), dice.number(1, 7));
  auto loose = problem;
  for (auto& ball : loose.balls) {
    ball.current.reset();
    ball.in_place = false;
  }
  const auto best = judge(problem, solve_exactly(loose));
  const auto free = judge(problem, solve_fast(loose));
  const auto placement = solve_fast(problem);
  const auto kept = judge(problem, placement);
  INFO("seed " << seed);
  CHECK(free.order() == best.order());
  CHECK(kept.order() == best.order());
  CHECK(free.largest <= best.largest * 1.05 + 1e-6);
  // What is in place may stay beside what stays there anyway: of all bins that one is the fullest.
  const auto fullest = std::ranges::max_element(problem.bins, {}, &Bin::base)->base;
  CHECK(kept.largest <= std::max(best.largest, fullest) * (1.05 + problem.min_gain) + 1e-6);
  CHECK(solve_fast(carried_out(problem, placement)) == placement);
}

}  // namespace irqtune::planning
