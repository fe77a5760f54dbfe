// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/flow/seat.h"

#include "support/catch.h"
#include "support/problems.h"

namespace irqtune::test {

namespace {

using planning::Problem;
using planning::State;

/// Bins 0 and 1 are the threads of a core on node 0, bins 2 and 3 those of one on node 1; each
/// sibling thread has one slot. Balls of reach 0 may go to node 0 alone, those of 1 anywhere.
Problem two_cores(std::size_t balls) {
  auto problem = problem_of(4, std::vector<double>(balls, 1.0));
  for (std::size_t i = 0; i < 4; ++i) {
    problem.bins[i].core = static_cast<int>(i / 2);
    problem.bins[i].group = i / 2;
    problem.bins[i].first = i % 2 == 0;
    problem.bins[i].slots = problem.bins[i].first ? 4 : 1;
  }
  problem.reaches.push_back({{0, 0}, {1, 0}});
  return problem;
}

}  // namespace

TEST_CASE("seat: an auxiliary takes a free slot on a sibling thread", "[plan][seat]") {
  auto problem = two_cores(1);
  problem.balls[0].role = Role::auxiliary;
  State state(problem);
  state.put(0, 0);
  CHECK(seat_auxiliaries(state));
  CHECK(state.placement()[0] == 1U);
  CHECK_FALSE(seat_auxiliaries(state));
}

TEST_CASE("seat: a primary leaves its sibling thread to an auxiliary", "[plan][seat]") {
  auto problem = two_cores(2);
  problem.balls[0].role = Role::auxiliary;
  State state(problem);
  state.put(0, 0);
  state.put(1, 1);
  CHECK(seat_auxiliaries(state));
  CHECK(state.placement()[0] == 1U);
  CHECK(state.placement()[1] == 0U);
}

TEST_CASE("seat: an auxiliary makes room for one that can go nowhere else", "[plan][seat]") {
  auto problem = two_cores(2);
  for (auto& ball : problem.balls) {
    ball.role = Role::auxiliary;
  }
  problem.balls[1].reach = 1;
  State state(problem);
  state.put(0, 0);
  state.put(1, 1);
  CHECK(seat_auxiliaries(state));
  CHECK(state.placement()[0] == 1U);
  CHECK(state.placement()[1] == 3U);
}

TEST_CASE("seat: where nobody can leave, it stays", "[plan][seat]") {
  auto problem = two_cores(2);
  for (auto& ball : problem.balls) {
    ball.role = Role::auxiliary;
  }
  State state(problem);
  state.put(0, 0);
  state.put(1, 1);
  CHECK_FALSE(seat_auxiliaries(state));
  CHECK(state.placement()[0] == 0U);
}

}  // namespace irqtune::test
