// SPDX-License-Identifier: Apache-2.0
#include "plan/divide.h"

#include "plan/improve.h"
#include "support/catch.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace irqtune::test {

namespace {

using planning::Problem;
using planning::Reach;
using planning::State;

Problem problem_of(std::size_t bins, const std::vector<double>& weights) {
  Problem problem;
  for (std::size_t i = 0; i < bins; ++i) {
    auto& bin = problem.bins.emplace_back();
    bin.cpu = static_cast<int>(i);
    bin.core = bin.cpu;
  }
  for (const auto weight : weights) {
    problem.balls.emplace_back().weight = weight;
  }
  problem.reaches = {{Reach{}}};
  return problem;
}

/// The first `count` balls in bin 0, the others in bin 1.
State filled(const Problem& problem, std::size_t count) {
  State state(problem);
  for (std::size_t i = 0; i < problem.balls.size(); ++i) {
    state.put(i, i < count ? 0 : 1);
  }
  return state;
}

std::vector<bool> all(const Problem& problem) {
  std::vector<bool> movable(problem.balls.size(), true);
  return movable;
}

}  // namespace

TEST_CASE("divide: two for one, where no move and no swap helps", "[plan][divide]") {
  // 12+4 against 5+5: swapping 4 with 5, or moving one, helps nothing that 12 against 4+5+5 does.
  const auto problem = problem_of(2, {12, 4, 5, 5});
  const auto state = filled(problem, 2);
  const auto division = divide_anew(state, all(problem), 0, 1);
  CHECK(division.larger == 14);
  CHECK(division.to_second == std::vector<std::size_t>{1});
  CHECK(division.to_first.empty());
}

TEST_CASE("divide: what may not move stays", "[plan][divide]") {
  const auto problem = problem_of(2, {9, 8, 1, 1});
  const auto state = filled(problem, 2);
  const auto division = divide_anew(state, {false, false, true, true}, 0, 1);
  CHECK(division.to_second.empty());
  CHECK(division.larger == 17);
}

TEST_CASE("divide: budgets, first threads and auxiliaries are kept", "[plan][divide]") {
  SECTION("a budget") {
    auto problem = problem_of(2, {9, 1, 1, 10});
    problem.bins[1].slots = 1;
    const auto state = filled(problem, 3);
    CHECK(divide_anew(state, all(problem), 0, 1).to_second.empty());
  }
  SECTION("the last primary of a first thread") {
    auto problem = problem_of(2, {9, 1});
    problem.balls[1].role = Role::auxiliary;
    problem.bins[1].base = 2;
    const auto state = filled(problem, 2);
    CHECK(divide_anew(state, all(problem), 0, 1).to_second == std::vector<std::size_t>{1});
  }
  SECTION("an auxiliary on a sibling thread") {
    auto problem = problem_of(2, {9, 1});
    problem.balls[1].role = Role::auxiliary;
    problem.bins[0].first = false;
    const auto state = filled(problem, 2);
    const auto division = divide_anew(state, all(problem), 0, 1);
    CHECK(std::ranges::find(division.to_second, 1U) == division.to_second.end());
  }
}

TEST_CASE("divide: more balls than can be tried are left as they are", "[plan][divide]") {
  const auto problem = problem_of(2, std::vector<double>(64, 1.0));
  const auto division = divide_anew(filled(problem, 60), all(problem), 0, 1);
  CHECK(division.to_second.empty());
  CHECK(division.work == 0);
}

TEST_CASE("balance: some ten vectors of very different rates come within 2 % of the bound",
          "[plan][divide]") {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::size_t bins = 3 + random() % 6;
    std::vector<double> weights(bins * (4 + random() % 3));
    for (auto& weight : weights) {
      weight = 20 + static_cast<double>(random() % 200);
    }
    const auto problem = problem_of(bins, weights);
    const auto placement = solve_fast(problem);
    std::vector<double> load(bins);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      REQUIRE(placement[i]);
      load[*placement[i]] += weights[i];
    }
    CHECK(*std::ranges::max_element(load) <= 1.02 * load_bound(problem));
  }
}

TEST_CASE("balance: the bound knows that a node's own vectors have nowhere else to go",
          "[plan][divide]") {
  auto problem = problem_of(4, {10, 10, 10, 10, 1});
  problem.bins[2].group = 1;
  problem.bins[3].group = 1;
  problem.reaches.push_back({{0, 0}, {1, 0}});
  problem.balls[4].reach = 1;  // This one connects the nodes.
  CHECK(load_bound(problem) == 20);
}

}  // namespace irqtune::test
