// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/search/keep.h"

#include "plan/solve/search/repack.h"
#include "support/catch.h"
#include "support/problems.h"

namespace irqtune::test {

namespace {

using planning::Moves;
using planning::Problem;
using planning::Terms;

/// The balls are in place in these bins.
void put(Problem& problem, const std::vector<std::size_t>& bins) {
  for (std::size_t i = 0; i < bins.size(); ++i) {
    problem.balls[i].current = bins[i];
    problem.balls[i].in_place = true;
  }
}

Terms terms_of(const Problem& problem, double limit, std::size_t open = 0) {
  return {limit, std::vector<bool>(problem.balls.size()), {open, 0}};
}

constexpr Moves kMany{9, 9};

}  // namespace

TEST_CASE("keep: one heavy vector moves in place of two light ones", "[plan][keep]") {
  auto problem = problem_of(2, {6, 3, 3, 2});
  put(problem, {0, 0, 0, 1});
  const auto found = keep_most(problem, terms_of(problem, 8), kMany);
  REQUIRE(found);
  CHECK(moves_in(problem, *found) == Moves{1, 0});
  CHECK(found->at(0) == 1U);
}

TEST_CASE("keep: what must be written anyway moves before what is in place", "[plan][keep]") {
  auto problem = problem_of(2, {5, 5});
  put(problem, {0, 0});
  problem.balls[0].in_place = false;
  const auto found = keep_most(problem, terms_of(problem, 5), kMany);
  REQUIRE(found);
  CHECK(moves_in(problem, *found) == Moves{0, 1});
}

TEST_CASE("keep: within the hierarchy, and above the limit only what may stay there",
          "[plan][keep]") {
  auto problem = problem_of(2, {5, 5});
  put(problem, {0, 0});
  CHECK(moves_in(problem, *keep_most(problem, terms_of(problem, 20), kMany)) == Moves{1, 0});
  CHECK(keep_most(problem, terms_of(problem, 20, 1), kMany)->at(1) == 0U);
  auto terms = terms_of(problem, 5, 1);
  terms.may_stay = {true, true};
  CHECK(moves_in(problem, *keep_most(problem, terms, kMany)) == Moves{});
  terms.may_stay = {true, false};
  CHECK(moves_in(problem, *keep_most(problem, terms, kMany)) == Moves{1, 0});
}

TEST_CASE("keep: nothing better, nothing at all, or too much to search", "[plan][keep]") {
  auto problem = problem_of(2, {5, 5});
  put(problem, {0, 0});
  CHECK_FALSE(keep_most(problem, terms_of(problem, 5), Moves{1, 0}));
  CHECK_FALSE(keep_most(problem, terms_of(problem, 4), kMany));
  auto large = problem_of(2, std::vector<double>(planning::kMostToPack + 1, 1.0));
  CHECK_FALSE(keep_most(large, terms_of(large, 99), kMany));
}

}  // namespace irqtune::test
