// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/search/repack.h"

#include "plan/solve/improve.h"
#include "support/catch.h"
#include "support/problems.h"

#include <algorithm>
#include <random>

namespace irqtune::test {

namespace {

using planning::Effort;
using planning::Problem;
using planning::Repacking;
using planning::State;
using Moves = std::vector<std::pair<std::size_t, std::size_t>>;

constexpr Effort kMuch{0, 1'000'000};

/// The first `count` balls in bin 0, the others in bin 1.
State filled(const Problem& problem, std::size_t count) {
  State state(problem);
  for (std::size_t i = 0; i < problem.balls.size(); ++i) {
    state.put(i, i < count ? 0 : 1);
  }
  return state;
}

Repacking repack_all(const State& state, const Effort& effort = kMuch) {
  std::vector<std::size_t> bins(state.problem().bins.size());
  std::iota(bins.begin(), bins.end(), 0U);
  return repack(state, std::vector<bool>(state.problem().balls.size(), true), bins, effort);
}

/// Bins that stand at `bases`, where the hierarchy has no wishes.
Problem covered_problem(const std::vector<double>& bases, const std::vector<double>& weights) {
  auto problem = problem_of(bases.size(), weights);
  for (std::size_t i = 0; i < bases.size(); ++i) {
    problem.bins[i].base = bases[i];
    problem.bins[i].covered = true;
  }
  return problem;
}

}  // namespace

TEST_CASE("repack: two for one, where no move and no swap helps", "[plan][repack]") {
  // 12+4 against 5+5: swapping 4 with 5, or moving one, helps nothing that 12 against 4+5+5 does.
  const auto problem = problem_of(2, {12, 4, 5, 5});
  const auto state = filled(problem, 2);
  const auto found = repack_all(state);
  CHECK(found.largest == 14);
  CHECK(found.complete);
  CHECK(found.moves.size() >= 1);
}

TEST_CASE("repack: a chain over three bins", "[plan][repack]") {
  const auto problem = problem_of(3, {7, 4, 6, 3, 5, 2});
  State state(problem);
  for (std::size_t i = 0; i < 6; ++i) {
    state.put(i, i / 2);
  }
  CHECK(repack_all(state).largest == 9);
}

TEST_CASE("repack: what may not move stays, and what is best stays", "[plan][repack]") {
  const auto problem = problem_of(2, {9, 8, 1, 1});
  const auto state = filled(problem, 2);
  const auto found = repack(state, {false, false, true, true}, {0, 1}, kMuch);
  CHECK(found.moves.empty());
  CHECK(found.largest == 17);
  CHECK(found.complete);
  CHECK(repack_all(filled(problem_of(2, {5, 5}), 1)).moves.empty());
}

TEST_CASE("repack: budgets, first threads and auxiliaries are kept", "[plan][repack]") {
  SECTION("a budget") {
    auto problem = problem_of(2, {9, 1, 1, 10});
    problem.bins[1].slots = 1;
    CHECK(repack_all(filled(problem, 3)).moves.empty());
  }
  SECTION("the last primary of a first thread") {
    auto problem = problem_of(2, {9, 1});
    problem.balls[1].role = Role::auxiliary;
    problem.bins[1].base = 2;
    CHECK(repack_all(filled(problem, 2)).moves == Moves{{1, 1}});
  }
  SECTION("an auxiliary on a sibling thread") {
    auto problem = problem_of(2, {9, 1});
    problem.balls[1].role = Role::auxiliary;
    problem.bins[0].first = false;
    const auto found = repack_all(filled(problem, 2));
    CHECK(std::ranges::find(found.moves, 1U, &Moves::value_type::first) == found.moves.end());
  }
  SECTION("the nodes within reach") {
    auto problem = problem_of(2, {9, 8});
    problem.bins[1].group = 1;
    CHECK(repack_all(filled(problem, 2)).moves.empty());
  }
}

TEST_CASE("repack: the search ends", "[plan][repack]") {
  SECTION("where there are more balls than it makes sense for") {
    const auto problem = problem_of(2, std::vector<double>(planning::kMostToPack + 1, 1.0));
    const auto found = repack_all(filled(problem, 20));
    CHECK(found.moves.empty());
    CHECK(found.steps == 0);
    CHECK_FALSE(found.complete);
  }
  SECTION("after so many steps") {
    const auto problem = problem_of(3, {9, 8, 7, 6, 5, 4, 3, 2, 1, 1.5, 2.5, 3.5});
    const auto found = repack_all(filled(problem, 12), {0, 20});
    CHECK(found.steps <= 20);
    CHECK_FALSE(found.complete);
    CHECK(found.largest < 53);
  }
  SECTION("at what is enough") {
    const auto problem = problem_of(2, {9, 8, 7, 6});
    CHECK(repack_all(filled(problem, 4), {17, 1000}).largest <= 17);
    CHECK(repack_all(filled(problem, 4), {30, 1000}).moves.empty());
  }
}

TEST_CASE("balance: some ten vectors of very different rates come within 2 % of the bound",
          "[plan][repack]") {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::size_t bins = 3 + random() % 6;
    std::vector<double> weights(bins * (4 + random() % 3));
    for (auto& weight : weights) {
      weight = 20 + static_cast<double>(random() % 200);
    }
    const auto problem = problem_of(bins, weights);
    const auto placement = solve_fast(problem).placement;
    std::vector<double> load(bins);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      REQUIRE(placement[i]);
      load[*placement[i]] += weights[i];
    }
    CHECK(*std::ranges::max_element(load) <= 1.02 * load_bound(problem));
  }
}

TEST_CASE("balance: the bound knows that a node's own vectors have nowhere else to go",
          "[plan][repack]") {
  auto problem = problem_of(4, {10, 10, 10, 10, 1});
  problem.bins[2].group = 1;
  problem.bins[3].group = 1;
  problem.reaches.push_back({{0, 0}, {1, 0}});
  problem.balls[4].reach = 1;  // This one connects the nodes.
  CHECK(load_bound(problem) == 20);
}

TEST_CASE("balance: the bound is the greatest of its parts", "[plan][repack]") {
  CHECK(load_bound(problem_of(2, {10, 10, 10, 10})) == 20);      // The average
  CHECK(load_bound(problem_of(3, {50, 1, 1})) == 50);            // The heaviest
  CHECK(load_bound(problem_of(2, {30, 30, 30})) == 60);          // Two of three share a bin,
  CHECK(load_bound(problem_of(2, {30, 30, 30, 30, 30})) == 90);  // and three of five.
  auto based = problem_of(3, {10, 10, 10});
  based.bins[0].base = 100;
  CHECK(load_bound(based) == 15);  // The others fill the two that have room.
  auto high = problem_of(2, {10});
  high.bins[0].base = 7;
  high.bins[1].base = 5;
  CHECK(load_bound(high) == 15);
  auto chain = problem_of(3, {10, 10, 10, 10});
  for (std::size_t i = 0; i < 3; ++i) {
    chain.bins[i].group = i;
  }
  chain.reaches = {{{0, 0}, {1, 0}}, {{1, 0}, {2, 0}}};
  chain.balls[2].reach = chain.balls[3].reach = 1;
  CHECK(load_bound(chain) == 20);  // Two of four share a bin, though no ball goes to all three.
}

TEST_CASE("balance: what is tolerated to keep is no leave to load more for a cache", "[plan]") {
  const std::vector<int> llcs{0};
  const auto goes_to = [&](double weight) {
    auto problem = covered_problem({0, 0}, {100, weight});
    problem.balls[0].current = 0;
    problem.balls[0].in_place = true;
    problem.balls[1].llcs = &llcs;
    problem.bins[0].llc = 0;
    return solve_exactly(problem).placement[1];
  };
  CHECK(goes_to(8) == 1U);  // Within --min-gain, but the first one in place gains nothing by it.
  CHECK(goes_to(1) == 1U);  // The spread goes before the cache, too.
  CHECK(goes_to(0) == 0U);  // Equal
}

TEST_CASE("balance: beside the fullest bin, the spread", "[plan]") {
  CHECK(solve_exactly(covered_problem({100, 50, 0}, {10})).placement[0] == 2U);
  auto quiet = covered_problem({100, 50, 0}, {0});
  quiet.balls[0].role = Role::auxiliary;
  CHECK(solve_exactly(quiet).placement[0] == 2U);  // Weightless, and still away from others.
  const auto both = solve_exactly(covered_problem({0, 0}, {0, 0})).placement;
  CHECK(both[0] != both[1]);
}

}  // namespace irqtune::test
