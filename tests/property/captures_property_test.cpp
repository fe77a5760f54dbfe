// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"
#include "irqtune/read/read.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/plan_checks.h"

#include <fmt/format.h>

namespace irqtune::test {

namespace {

std::string words(const Policy& policy) {
  return fmt::format("{} {} near {}{} budget {}",
                     scope_text(policy.scope),
                     policy_text(policy.policy),
                     near_text(policy.near_to),
                     policy.rebalance ? " rebalance" : "",
                     policy.max_vectors_per_cpu.value_or(-1));
}

void add_variants(Scope scope, VmPolicy kind, std::vector<Policy>& policies) {
  for (int variant = 0; variant < 4; ++variant) {
    Policy policy;
    policy.scope = scope;
    policy.policy = kind;
    policy.rebalance = variant == 1;
    policy.near_to = variant == 2 ? Near::vm : Near::device;
    policy.max_vectors_per_cpu = variant == 3 ? std::optional(3) : std::nullopt;
    policies.push_back(policy);
  }
}

/// Every scope, policy and --near, each also with --rebalance and with a tight budget.
std::vector<Policy> policies() {
  std::vector<Policy> all;
  for (const auto scope : {Scope::passthrough, Scope::evict, Scope::all}) {
    for (const auto kind : {VmPolicy::avoid, VmPolicy::colocate, VmPolicy::leave}) {
      add_variants(scope, kind, all);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("captured hosts: every plan keeps the rules, is stable, heeds no order",
          "[property][plan][hosts]") {
  const auto name = GENERATE(from_range(captures()));
  ReadOptions options;
  options.detail = Detail::devices;
  const auto host = read_host(Sysfs(capture_file(name)), options);
  const auto other = shuffled(host, 7);
  const std::vector<std::string> none;
  for (const auto& policy : policies()) {
    const auto plan = make_plan(host, policy);
    INFO(name << ": " << words(policy) << "\n" << dump(plan));
    CHECK(breaches(host, plan) == none);
    CHECK(unrest(host, plan).empty());
    CHECK(dump(make_plan(other, policy)) == dump(plan));
  }
}

}  // namespace irqtune::test
