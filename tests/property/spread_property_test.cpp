// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/random_host.h"
#include "support/oracle.h"
#include "support/plan_checks.h"
#include "support/seeds.h"

namespace irqtune::test {

TEST_CASE("small hosts: each node's spread is the least, and never above longest-first greedy",
          "[property][plan][spread]") {
  const auto count = seed_count(150);
  for (std::uint32_t seed = 0; seed < count; ++seed) {
    auto random = small_host(seed);
    random.policy.rebalance = seed % 2 == 0;
    const auto plan = make_plan(random.host, random.policy);
    Oracle oracle(random.host, random.policy, plan);
    if (oracle.vectors() == 0) {
      continue;
    }
    INFO("seed " << seed << "\n" << dump(plan));
    const auto spread = oracle.spread();
    for (const auto& [node, planned] : spread.planned) {
      CHECK(planned <= spread.least.at(node) * 1.05 + 1e-6);
      const auto greedy = spread.greedy.find(node);
      CHECK((greedy == spread.greedy.end() || planned <= greedy->second * (1 + 1e-9) + 1e-6));
    }
  }
}

}  // namespace irqtune::test
