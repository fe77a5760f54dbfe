// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/make_host.h"
#include "support/plan_checks.h"

#include <algorithm>

namespace irqtune::test {

TEST_CASE("budgets spill to the next node and block what fits nowhere", "[plan]") {
  auto host = make_host({.nodes = 3, .cores = 1});
  host.topology.isolated = cpus("2");
  add_device(host, kNic, NodeId{0});
  for (int i = 0; i < 3; ++i) {
    add_vector(host, kNic, "2");
  }
  Policy policy;
  policy.max_vectors_per_cpu = 2;
  CHECK(make_plan(host, policy).after.remote == 1);
  policy.max_vectors_per_cpu = 1;
  const auto plan = make_plan(host, policy);
  CHECK(std::ranges::count(plan.assignments, Blocked::budget, &Assignment::blocked) == 1);
  CHECK(warns(plan,
              "1 vector does not fit: with at most 1 a CPU there is room for 2; this set takes 3 "
              "housekeeping CPUs, there are 2"));
}

TEST_CASE("interrupts that are not planned use up the budget", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_host_irq(host, "eth0", "0");
  add_vector(host, kNic, "0-1");
  Policy policy;
  policy.max_vectors_per_cpu = 1;
  CHECK(targets(make_plan(host, policy)) == cpus("1"));
}

TEST_CASE("the kernel's count of free vectors is the budget where it is known", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  for (const auto* mask : {"0", "1", "0-1", "0-1"}) {
    add_vector(host, kNic, mask);
  }
  host.irqs[2].effective.reset();
  host.irqs[3].effective.reset();
  host.topology.cpus[0].free_vectors = 0;  // Besides the one that is there.
  host.topology.cpus[1].free_vectors = 1;
  const auto plan = make_plan(host, {});
  CHECK(std::ranges::count(plan.assignments, CpuSet{0}, &Assignment::to) == 1);
  CHECK(std::ranges::count(plan.assignments, CpuSet{1}, &Assignment::to) == 2);
  CHECK(std::ranges::count(plan.assignments, Blocked::budget, &Assignment::blocked) == 1);
  CHECK(warns(plan,
              "1 vector does not fit: the kernel has room for 3 (debugfs irq/domains/VECTOR); this "
              "set takes 3 housekeeping CPUs, there are 2; free cores"));
  CHECK(change_count(make_plan(planned_host(host, plan), {})) == 0);
  CHECK(planned_host(host, plan).topology.cpus[1].free_vectors == 0);
  Policy policy;
  policy.max_vectors_per_cpu = 1;  // Holds beside the kernel's count.
  const auto tight = make_plan(host, policy);
  CHECK(std::ranges::count(tight.assignments, Blocked::budget, &Assignment::blocked) == 2);
}

TEST_CASE("on x86 a CPU takes 200 vectors, elsewhere any number", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  host.topology.isolated = cpus("1");
  add_device(host, kNic, NodeId{0});
  for (int i = 0; i < 203; ++i) {
    add_vector(host, kNic, "1");
  }
  const auto refused = [&host] {
    const auto plan = make_plan(host, {});
    return std::ranges::count(plan.assignments, Blocked::budget, &Assignment::blocked);
  };
  CHECK(refused() == 3);
  for (auto& irq : host.irqs) {
    irq.chip = "ITS-MSI";
  }
  CHECK(refused() == 0);
}

TEST_CASE("an interrupt without a handler takes no vector", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0-1");
  add_host_irq(host, "", "0").actions.clear();
  Policy policy;
  policy.max_vectors_per_cpu = 1;
  CHECK(targets(make_plan(host, policy)) == cpus("0"));
}

TEST_CASE("of more than fits, those that are there stay", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  host.topology.isolated = cpus("1");
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0", 20);
  add_vector(host, kNic, "1", 5000);
  Policy policy;
  policy.max_vectors_per_cpu = 1;
  const auto plan = make_plan(host, policy);
  CHECK_FALSE(plan.assignments[0].blocked);
  CHECK(plan.assignments[1].blocked == Blocked::budget);
}

TEST_CASE("a busy CPU takes what does not fit elsewhere", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  host.topology.cpus[0].irq_busy = 0.95;
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0-1");
  add_vector(host, kNic, "0-1");
  Policy policy;
  policy.max_vectors_per_cpu = 1;
  CHECK(targets(make_plan(host, policy)) == cpus("0-1"));
  policy.max_vectors_per_cpu = 2;
  CHECK(targets(make_plan(host, policy)) == cpus("1"));
}

TEST_CASE("the kernel's vector is where an interrupt is delivered", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 3});
  host.topology.isolated = cpus("2");
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0").effective = cpus("1");  // A pending move.
  host.topology.cpus[0].free_vectors = 0;
  host.topology.cpus[1].free_vectors = 0;
  host.topology.cpus[2].free_vectors = 7;
  CHECK(targets(make_plan(host, {})) == cpus("1"));
  host.irqs[0].affinity = host.irqs[0].effective = cpus("2");
  host.topology.cpus[1].free_vectors = 3;
  const auto after = planned_host(host, make_plan(host, {}));
  CHECK(after.topology.cpus[1].free_vectors == 2);
  CHECK(after.topology.cpus[2].free_vectors == 8);
}

TEST_CASE("what is evicted takes the kernel's vectors from the rest", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  host.topology.isolated = cpus("1");
  host.topology.cpus[0].free_vectors = 1;
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "1", 50);
  add_host_irq(host, "eth0", "1", 5000);
  Policy policy;
  policy.scope = Scope::evict;
  const auto plan = make_plan(host, policy);
  CHECK(plan.assignments[0].blocked == Blocked::budget);
  CHECK(plan.assignments[1].to == cpus("0"));
}

TEST_CASE("where nodes are full, vectors go on to the nearest others, in large plans too",
          "[plan]") {
  auto host = make_host({.nodes = 3, .cores = 4});
  host.topology.nodes[0].distances = {10, 32, 21};
  add_device(host, kNic, NodeId{0});
  for (int i = 0; i < 20; ++i) {
    add_vector(host, kNic, "0-11");
  }
  Policy policy;
  policy.max_vectors_per_cpu = 3;
  const auto plan = make_plan(host, policy);
  CHECK(targets(plan) == cpus("0-3,8-11"));
  CHECK(plan.after.remote == 8);
}

}  // namespace irqtune::test
