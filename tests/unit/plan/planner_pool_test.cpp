// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

#include <algorithm>
#include <string>

namespace irqtune::test {

namespace {

/// two_nodes(), with a VM whose two vCPUs float over `pool`.
Host with_pool(const std::string& pool) {
  auto host = two_nodes();
  auto& vm = add_vm(host, "pool", {pool, pool}, {});
  for (auto& vcpu : vm.vcpus) {
    vcpu.dedicated = false;
  }
  return host;
}

CpuSet targets(const Plan& plan) {
  CpuSet cpus;
  for (const auto& assignment : plan.assignments) {
    cpus |= assignment.to;
  }
  return cpus;
}

Policy with_budget(int budget) {
  Policy policy;
  policy.max_vectors_per_cpu = budget;
  return policy;
}

}  // namespace

TEST_CASE("pool CPUs take no vector while housekeeping CPUs of the node have room", "[plan]") {
  auto host = with_pool("1,9");
  for (int i = 0; i < 4; ++i) {
    add_vector(host, kNic, "2", 50'000);
  }
  const auto plan = make_plan(host, {});
  CHECK(plan.pool == cpus("1,9"));
  CHECK(plan.housekeeping == cpus("0,4-8,12-15"));
  CHECK(targets(plan) == cpus("0,8"));
  CHECK(plan.after.collisions == 0);
}

TEST_CASE("a vector leaves a pool CPU for a housekeeping CPU of the node", "[plan]") {
  auto host = with_pool("1,9");
  add_vector(host, kNic, "1", 100);
  const auto plan = make_plan(host, {});
  REQUIRE(plan.assignments.size() == 1);
  CHECK(plan.before.collisions == 0);
  CHECK(targets(plan) == cpus("0"));
  CHECK(plan.assignments[0].reason.find("off cpu1 (a pool's CPU)") != std::string::npos);
}

TEST_CASE("pool CPUs come before the housekeeping CPUs of another node", "[plan]") {
  auto host = with_pool("0-1,8-9");
  for (int i = 0; i < 4; ++i) {
    add_vector(host, kNic, "2", 100);
  }
  Policy policy;
  SECTION("where the node has no housekeeping CPU at all") {
    const auto plan = make_plan(host, policy);
    CHECK(cpus("0-1,8-9").contains_all(targets(plan)));
    CHECK(plan.after.remote == 0);
    CHECK(plan.after.max_cpu_rate == 100);
  }
  SECTION("--pool last: after those too") {
    policy.pool_last = true;
    CHECK(cpus("4-7,12-15").contains_all(targets(make_plan(host, policy))));
  }
  SECTION("--housekeeping makes them housekeeping, but never a vCPU's own") {
    policy.housekeeping = cpus("0-2");
    const auto plan = make_plan(host, policy);
    CHECK(plan.housekeeping == cpus("0-1"));
    CHECK(plan.pool.empty());
    CHECK(targets(plan) == cpus("0-1"));
  }
}

TEST_CASE("pool CPUs take what the budget of the node's housekeeping CPUs does not", "[plan]") {
  auto host = with_pool("1,9");
  for (int i = 0; i < 4; ++i) {
    add_vector(host, kNic, "2", 100);
  }
  const auto plan = make_plan(host, with_budget(1));
  CHECK(targets(plan) == cpus("0-1,8-9"));
  CHECK(plan.after.remote == 0);
}

TEST_CASE("a busy CPU is no full one: its node's pool is no way out", "[plan]") {
  auto host = with_pool("1,9");
  host.topology.cpus[0].irq_busy = 0.9;
  host.topology.cpus[8].irq_busy = 0.9;
  add_vector(host, kNic, "2", 100);
  CHECK(cpus("4-7,12-15").contains_all(targets(make_plan(host, {}))));
}

TEST_CASE("a slower core is loaded more by the same interrupts, and takes fewer", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 3, .threads = 1, .llcs = 1});
  host.rate_source = RateSource::sampled;
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"0"}, {kNic});
  host.topology.cpus[2].capacity = 512;
  for (int i = 0; i < 6; ++i) {
    add_vector(host, kNic, "0", 100);
  }
  const auto plan = make_plan(host, {});
  CHECK(std::ranges::count(plan.assignments, cpus("1"), &Assignment::to) == 4);
  CHECK(std::ranges::count(plan.assignments, cpus("2"), &Assignment::to) == 2);
  CHECK(plan.after.max_cpu_rate == 400);
  CHECK(plan.lower_bound.value() == Approx(400));
}

TEST_CASE("low-power cores take primaries last", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 8, .threads = 1, .llcs = 1});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"0", "1"}, {kNic});
  for (const int cpu : {6, 7}) {
    host.topology.cpus[static_cast<std::size_t>(cpu)].kind = CpuKind::low_power;
  }
  for (int i = 0; i < 6; ++i) {
    add_vector(host, kNic, "0", 1000);
  }
  CHECK(targets(make_plan(host, {})) == cpus("2-5"));
  CHECK(targets(make_plan(host, with_budget(1))) == cpus("2-7"));
  SECTION("auxiliaries go there as anywhere") {
    host.irqs.resize(4);
    for (int i = 0; i < 2; ++i) {
      add_vector(host, kNic, "0", 0.5);
    }
    CHECK(targets(make_plan(host, {})) == cpus("2-7"));
  }
}

}  // namespace irqtune::test
