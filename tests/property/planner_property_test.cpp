// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/random_host.h"
#include "support/oracle.h"
#include "support/plan_checks.h"
#include "support/seeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <string>

namespace irqtune::test {

namespace {

constexpr std::uint32_t kUsualSeeds = 150;

bool has_in_place(const Plan& plan) {
  return std::ranges::any_of(plan.assignments,
                             [](const Assignment& a) { return a.from && a.from->size() == 1; });
}

/// Among nodes that share vectors: what is written goes where the largest load is within 5 % of the
/// smallest possible, plus what is tolerated to keep what is in place. That may stay beside more
/// only if it adds no more than is tolerated to what the busiest CPU carries whatever is planned.
void check_balance(Oracle& oracle, const Plan& plan, const Verdict& ours, const Verdict& best) {
  const bool keeps = has_in_place(plan) && !plan.policy.rebalance;
  const double slack = keeps ? plan.policy.min_gain / 100 : 0;
  constexpr double kRounding = 1e-6;
  for (const auto& part : oracle.neighbours(best)) {
    const double limit = part.best * (1.05 + slack) + kRounding;
    for (const auto& node : part.nodes) {
      const auto written = ours.written.find(node);
      const auto all = ours.by_node.find({node, false});
      CHECK((written == ours.written.end() || written->second <= limit));
      CHECK((all == ours.by_node.end() ||
             all->second <= std::max(limit, part.base * (1 + slack) + kRounding)));
    }
  }
}

}  // namespace

TEST_CASE("small hosts: no plan is better than the one made", "[property][plan]") {
  std::uint32_t planned = 0;
  std::uint32_t equal = 0;
  std::uint32_t within = 0;
  const auto count = seed_count(kUsualSeeds);
  const std::vector<std::string> none;
  for (std::uint32_t seed = 0; seed < count; ++seed) {
    const auto random = small_host(seed);
    const auto plan = make_plan(random.host, random.policy);
    INFO("seed " << seed << "\n" << dump(plan));
    REQUIRE(breaches(random.host, plan) == none);
    Oracle oracle(random.host, random.policy, plan);
    if (oracle.vectors() == 0) {
      continue;
    }
    ++planned;
    const auto ours = oracle.planned();
    const auto best = oracle.best();
    REQUIRE(ours.order() == best.order());
    check_balance(oracle, plan, ours, best);
    equal += ours.largest <= best.largest * (1 + 1e-9) ? 1U : 0U;
    within += ours.largest <= best.largest * 1.05 ? 1U : 0U;
    REQUIRE_FALSE(oracle.fewer_moves_would_do(ours));
    if (plan.lower_bound) {
      REQUIRE(*plan.lower_bound <=
              std::max(best.largest, *plan.after.max_cpu_rate) * (1 + 1e-9) + 1e-6);
    }
  }
  std::cout << fmt::format(
      "{} small plans: the largest load is the smallest possible in {}, within 5 % of it in {}, "
      "and "
      "more in the others to keep what is in place; none could do with fewer moves\n",
      planned,
      equal,
      within);
}

TEST_CASE("any host: rules kept, nothing to do twice, order of input without effect",
          "[property][plan]") {
  const auto count = seed_count(kUsualSeeds);
  const std::vector<std::string> none;
  for (std::uint32_t seed = 0; seed < count; ++seed) {
    const auto random = seed % 3 == 0 ? large_host(seed) : small_host(seed + 1'000'000);
    const auto plan = make_plan(random.host, random.policy);
    INFO("seed " << seed);
    REQUIRE(breaches(random.host, plan) == none);
    const auto moved = unrest(random.host, plan);
    INFO(moved);
    REQUIRE(moved.empty());
    REQUIRE(dump(make_plan(shuffled(random.host, seed), random.policy)) == dump(plan));
  }
}

}  // namespace irqtune::test
