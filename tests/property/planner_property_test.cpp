// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/oracle.h"
#include "support/plan_checks.h"
#include "support/random_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

namespace irqtune::test {

namespace {

/// IRQTUNE_SEEDS: how many seeds a long run tries. Only such a run prints what it found.
std::optional<std::uint32_t> wanted_seeds() {
  const char* text = std::getenv("IRQTUNE_SEEDS");  // NOLINT(concurrency-mt-unsafe): one thread
  return text != nullptr ? std::optional(static_cast<std::uint32_t>(std::stoul(text)))
                         : std::nullopt;
}

constexpr std::uint32_t kUsualSeeds = 150;

bool has_in_place(const Plan& plan) {
  return std::ranges::any_of(plan.assignments,
                             [](const Assignment& a) { return a.from && a.from->size() == 1; });
}

}  // namespace

TEST_CASE("small hosts: no plan is better than the one made", "[property][plan]") {
  std::uint32_t planned = 0;
  std::uint32_t equal = 0;
  const auto count = wanted_seeds().value_or(kUsualSeeds);
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
    const bool keeps = has_in_place(plan) && !random.policy.rebalance;
    const double slack = keeps ? random.policy.min_gain / 100 : 0;
    // What is in place is held against the largest load of all CPUs, with or without vectors.
    const double wanted = keeps ? std::max(best.largest, oracle.largest_base()) : best.largest;
    REQUIRE(ours.largest <= wanted * (1.05 + slack) + 1e-6);
    equal += ours.largest <= best.largest * (1 + 1e-9) ? 1U : 0U;
    REQUIRE_FALSE(oracle.fewer_moves_would_do(ours));
    if (plan.lower_bound) {
      REQUIRE(*plan.lower_bound <=
              std::max(best.largest, *plan.after.max_cpu_rate) * (1 + 1e-9) + 1e-6);
    }
  }
  if (wanted_seeds()) {
    std::cout << fmt::format(
        "largest load as small as can be in {} of {} small plans\n", equal, planned);
  }
}

TEST_CASE("any host: rules kept, nothing to do twice, order of input without effect",
          "[property][plan]") {
  const auto count = wanted_seeds().value_or(kUsualSeeds);
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
