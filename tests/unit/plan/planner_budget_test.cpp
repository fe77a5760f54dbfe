// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"
#include "support/plan_checks.h"

#include <algorithm>
#include <string>

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

TEST_CASE("vectors that carry nothing do not pile up on the least loaded CPU", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 3});
  host.topology.isolated = cpus("2");
  host.rate_source = RateSource::sampled;
  host.sample_seconds = 10;
  add_host_irq(host, "eth0", "0").rates = {{0, 0.4}};
  add_device(host, kNic, NodeId{0});
  constexpr int kVectors = 230;
  for (int i = 0; i < kVectors; ++i) {
    add_vector(host, kNic, "2");
  }
  const auto count = [](const Plan& plan, int cpu) {
    return std::ranges::count(plan.assignments, CpuSet{cpu}, &Assignment::to);
  };
  const auto plan = make_plan(host, {});
  CHECK(count(plan, 0) == 114);  // It has eth0 as well.
  CHECK(count(plan, 1) == 116);
  CHECK(change_count(make_plan(planned_host(host, plan), {})) == 0);

  SECTION("but a CPU with a load of its own is no equal") {
    host.irqs.front().rates = {{0, 4000}};
    CHECK(count(make_plan(host, {}), 1) > count(make_plan(host, {}), 0));
  }
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

TEST_CASE("a CPU on which the kernel found no vector is full", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 2});
  host.topology.isolated = cpus("1");
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0");
  add_vector(host, kNic, "0").effective = cpus("1");  // It asked for CPU 0.
  auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].to == cpus("0"));  // It has its vector there.
  CHECK(cpus("2-3").contains_all(plan.assignments[1].to));
  CHECK(plan.after.collisions == 0);
  SECTION("unless the kernel says what is free there") {
    host.topology.cpus[0].free_vectors = 1;
    CHECK(targets(make_plan(host, {})) == cpus("0"));
  }
  SECTION("nowhere else is room") {
    host.topology.isolated = cpus("1-3");
    plan = make_plan(host, {});
    CHECK(plan.assignments[1].blocked == Blocked::budget);
  }
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
  const auto refused_with = [&](const std::string& chip) {
    for (auto& irq : host.irqs) {
      irq.chip = chip;
    }
    return refused();
  };
  CHECK(refused_with("PCI-MSI-0000:3b:00.0") == 3);
  CHECK(refused_with("IR-PCI-MSIX-0000:3b:00.0") == 3);
  CHECK(refused_with("IR-IO-APIC") == 3);
  CHECK(refused_with("ITS-MSI") == 0);
  CHECK(refused_with("ITS-PCI-MSIX-0000:3b:00.0") == 0);
  refused_with("IR-PCI-MSI");
  host.topology.cpus[0].free_vectors = 201;
  CHECK(refused() == 2);  // The kernel knows better.
}

TEST_CASE("an interrupt without a handler takes no vector", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0-1");
  add_host_irq(host, "", "0").actions.clear();
  Policy policy;
  policy.max_vectors_per_cpu = 1;
  CHECK(targets(make_plan(host, policy)) == cpus("0"));
  policy.max_vectors_per_cpu.reset();
  host.irqs[0].actions.clear();
  host.topology.cpus[0].free_vectors = 0;  // None of those in use is its own.
  host.topology.cpus[1].free_vectors = 1;
  const auto plan = make_plan(host, policy);
  CHECK(targets(plan) == cpus("1"));
  CHECK(planned_host(host, plan).topology.cpus[1].free_vectors == 1);  // It takes none there, too.
}

TEST_CASE("what is not to be moved gives the kernel no vector back", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0").settable = false;
  add_vector(host, kNic, "0-1").effective.reset();
  host.topology.cpus[0].free_vectors = 0;
  host.topology.cpus[1].free_vectors = 0;
  CHECK(make_plan(host, {}).assignments[1].blocked == Blocked::budget);
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
  const auto plan = make_plan(host, policy);
  CHECK(targets(plan) == cpus("0-1"));
  CHECK(std::ranges::none_of(plan.assignments,
                             [](const Assignment& a) { return a.blocked.has_value(); }));
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

TEST_CASE("where a first thread is full, its sibling stands for the core", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2, .threads = 2});
  add_device(host, kNic, NodeId{0});
  add_host_irq(host, "eth0", "0", 10);
  add_host_irq(host, "eth1", "2", 1000);
  add_vector(host, kNic, "3", 50);
  add_vector(host, kNic, "3", 50);
  Policy policy;
  policy.max_vectors_per_cpu = 2;
  CHECK(targets(make_plan(host, policy)) == cpus("0-1"));
  add_host_irq(host, "eth2", "0", 10);
  CHECK(targets(make_plan(host, policy)) == cpus("1-2"));
}

TEST_CASE("of more than fits, auxiliaries are left out before primaries", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  host.topology.isolated = cpus("1");
  add_device(host, kNic, NodeId{0});
  add_device(host, "0000:3c:00.0", NodeId{0});
  add_vector(host, kNic, "1", 500);
  add_vector(host, kNic, "0", 100'000).settable = false;
  add_vector(host, "0000:3c:00.0", "1", 20);
  Policy policy;
  policy.max_vectors_per_cpu = 2;
  const auto plan = make_plan(host, policy);
  REQUIRE(plan.assignments[0].role == Role::auxiliary);  // Below 1 % of its device's busiest.
  CHECK(plan.assignments[0].blocked == Blocked::budget);
  CHECK(plan.assignments[2].to == cpus("0"));
}

TEST_CASE("what fits nowhere takes its slot where it is", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2, .threads = 2});
  host.topology.isolated = cpus("1,3");  // One core remains: 0 and 2.
  for (const auto* name : {"0000:3c:00.0", "0000:3d:00.0"}) {
    add_device(host, name, NodeId{0}).class_code = 0x010802;
    add_vector(host, name, "0");  // For administration.
  }
  add_vector(host, "0000:3c:00.0", "2");
  add_vector(host, "0000:3d:00.0", "1").settable = false;
  Policy policy;
  policy.max_vectors_per_cpu = 1;
  const auto plan = make_plan(host, policy);
  CHECK(std::ranges::count(plan.assignments, Blocked::budget, &Assignment::blocked) == 2);
  CHECK(change_count(plan) == 0);  // Not the primary beside them, though it is no first thread.
}

TEST_CASE("what fits nowhere is load where it is", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 4});
  host.topology.isolated = cpus("3");
  add_device(host, kNic, NodeId{0});
  Policy policy;
  SECTION("on its CPU") {
    add_vector(host, kNic, "0", 500);
    for (const double rate : {2000.0, 1900.0, 600.0, 550.0, 520.0}) {
      add_vector(host, kNic, "1", rate);
    }
    add_host_irq(host, "eth0", "2", 0);
    policy.max_vectors_per_cpu = 2;
    const auto plan = make_plan(host, policy);
    CHECK(plan.assignments[0].blocked == Blocked::budget);
    CHECK(plan.assignments[1].to == cpus("2"));
    CHECK(plan.assignments[2].to == cpus("0"));
  }
  SECTION("where it was counted, if it may be anywhere") {
    host.topology.isolated = cpus("2-3");
    auto& wide = add_vector(host, kNic, "0-1", 0);
    wide.effective.reset();
    wide.rates = {{0, 600}, {1, 1}};
    add_vector(host, kNic, "2", 700);
    add_vector(host, kNic, "2", 650);
    policy.max_vectors_per_cpu = 1;
    const auto plan = make_plan(host, policy);
    CHECK(plan.assignments[0].blocked == Blocked::budget);
    CHECK(plan.assignments[1].to == cpus("1"));
    CHECK(plan.assignments[2].to == cpus("0"));
  }
}

TEST_CASE("no limit on one CPU, and a limit on another", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0-1").chip = "ITS-MSI";
  host.topology.cpus[1].free_vectors = 1;
  CHECK_FALSE(make_plan(host, {}).assignments[0].blocked);
}

TEST_CASE("vectors of no node leave those of a node their slots", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 4});
  add_device(host, kNic, NodeId{0});
  add_device(host, "0000:3c:00.0", std::nullopt);
  for (int i = 0; i < 8; ++i) {
    add_vector(host, kNic, "4", 100);
    add_vector(host, "0000:3c:00.0", "0", 5000);
  }
  Policy policy;
  policy.max_vectors_per_cpu = 2;
  const auto plan = make_plan(host, policy);
  CHECK(std::ranges::none_of(plan.assignments,
                             [](const Assignment& a) { return a.blocked.has_value(); }));
  CHECK(plan.after.remote == 0);
}

TEST_CASE("where nodes are full, what is on a farther one stays there", "[plan]") {
  auto host = make_host({.nodes = 3, .cores = 4});
  add_device(host, kNic, NodeId{0});
  Policy policy;
  policy.max_vectors_per_cpu = 3;
  SECTION("rather than on another as far") {
    for (int i = 0; i < 20; ++i) {
      add_vector(host, kNic, std::to_string(i < 12 ? i % 4 : 8 + i % 4));
    }
    CHECK(change_count(make_plan(host, policy)) == 0);
  }
  SECTION("rather than one that is written anyway") {
    add_vector(host, kNic, "4-5").effective = cpus("4");
    add_vector(host, kNic, "5");
    for (int i = 0; i < 11; ++i) {
      add_vector(host, kNic, std::to_string(i % 4));
    }
    const auto plan = make_plan(host, policy);
    CHECK(change_count(plan) == 1);
    CHECK(plan.assignments[0].to == cpus("3"));
  }
}

TEST_CASE("where nodes are full, the heaviest vectors are nearest, in large plans", "[plan]") {
  auto host = make_host({.nodes = 3, .cores = 4});
  host.topology.nodes[0].distances = {10, 32, 21};
  host.topology.isolated = cpus("3");
  add_device(host, kNic, NodeId{0});
  for (int i = 1; i <= 20; ++i) {
    add_vector(host, kNic, "3", i * 1000);
  }
  Policy policy;
  policy.max_vectors_per_cpu = 2;
  const auto plan = make_plan(host, policy);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(plan.assignments[i].distance == (i < 6 ? 32 : i < 14 ? 21 : 10));
  }
}

TEST_CASE("where nodes are full, balance says which vector of a small plan goes on", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 2});
  host.topology.isolated = cpus("1,3");
  add_device(host, kNic, NodeId{0});
  for (const double rate : {1000.0, 100.0, 100.0}) {
    add_vector(host, kNic, "1", rate);
  }
  Policy policy;
  policy.max_vectors_per_cpu = 2;
  const auto plan = make_plan(host, policy);
  CHECK(plan.after.max_cpu_rate == Approx(1000));
  CHECK(plan.after.remote == 1);
}

TEST_CASE("where nodes are full, the lower bound holds for any choice of who goes on", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 2});
  host.topology.isolated = cpus("1,3");
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "1", 1000);
  for (int i = 0; i < 15; ++i) {
    add_vector(host, kNic, "1", 10);
  }
  Policy policy;
  policy.max_vectors_per_cpu = 15;
  const auto plan = make_plan(host, policy);
  CHECK(plan.after.remote == 1);
  CHECK(plan.lower_bound <= 1000.0 + 1e-6);  // The heavy one alone, the others beside it
}

}  // namespace irqtune::test
