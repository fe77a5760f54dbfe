// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"
#include "support/plan_checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune::test {

TEST_CASE("a vector leaves a vCPU's core for a free core of its device's node", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "3");
  const auto plan = make_plan(host, {});
  REQUIRE(plan.assignments.size() == 1);
  CHECK(plan.assignments[0].to == cpus("0"));
  CHECK(plan.assignments[0].change);
  CHECK(plan.assignments[0].locality == Locality::llc);
  CHECK(plan.assignments[0].distance == 10);
  CHECK(plan.assignments[0].reason == "off cpu3 (vCPU 1 of vm1); node 0, core 0 first");
  CHECK(plan.before.collisions == 1);
  CHECK(plan.after.collisions == 0);
}

TEST_CASE("where an option leaves no CPU, the plan names it", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 4});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"0", "1"}, {kNic});
  add_vector(host, kNic, "1");
  Policy policy;
  policy.housekeeping = cpus("77");
  auto plan = make_plan(host, policy);
  CHECK(plan.assignments[0].blocked == Blocked::no_candidate);
  CHECK(plan.assignments[0].reason == "stays: --housekeeping leaves no CPU to go to");
  CHECK(warns(plan, "--housekeeping 77 names none that is online, so 1 vector stays; give CPUs"));
  CHECK_FALSE(warns(plan, "every online CPU is protected"));
  policy.housekeeping = cpus("1,77");
  CHECK(
      warns(make_plan(host, policy), "--housekeeping 1,77 names protected ones only (vm1 pins 1)"));
  policy.housekeeping.reset();
  policy.protection.avoid = cpus("2-3");
  CHECK(warns(make_plan(host, policy),
              "every online CPU is protected (vm1 pins 0-1, --avoid 2-3), so 1 vector stays"));
}

TEST_CASE("a node without housekeeping CPUs sends its vectors to the nearest other", "[plan]") {
  auto host = make_host({.nodes = 3, .cores = 2});
  host.topology.nodes[0].distances = {10, 32, 21};
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"0", "1"}, {kNic});
  add_vector(host, kNic, "0");
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].to == cpus("4"));
  CHECK(plan.assignments[0].locality == Locality::remote);
  CHECK(plan.after.remote == 1);
  CHECK(warns(plan, "node 0 has no CPU to give"));
  CHECK(warns(plan, "vm1 pins 0-1: free a core there"));
}

TEST_CASE("a busy CPU takes no vector while another can", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 1});
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0-1");
  host.topology.cpus[0].irq_busy = 0.85;
  CHECK(make_plan(host, {}).assignments[0].to == cpus("1"));
  Policy tolerant;
  tolerant.busy_threshold = 90;
  CHECK(make_plan(host, tolerant).assignments[0].to == cpus("0"));
  host.topology.cpus[0].irq_busy = 0.75;
  tolerant.busy_threshold = 75;  // Above it is busy, not on it.
  CHECK(make_plan(host, tolerant).assignments[0].to == cpus("0"));
}

TEST_CASE("an unknown node is that of the VM's vCPUs; else balance alone decides", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 2});
  add_device(host, kNic, std::nullopt);
  add_vector(host, kNic, "0-3");
  CHECK(make_plan(host, {}).after.unknown_node == 1);
  add_vm(host, "vm1", {"2"}, {kNic});
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].to == cpus("3"));
  CHECK(plan.after.unknown_node == 0);
}

TEST_CASE("a VM is on the node that has most of its vCPUs", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 3});
  add_device(host, kNic, std::nullopt);
  add_vm(host, "vm1", {"0", "3", "4"}, {kNic});
  add_vector(host, kNic, "0-5");
  CHECK(targets(make_plan(host, {})) == cpus("5"));
}

TEST_CASE("a CPU of no node is farther than any other", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 1});
  host.topology.cpus[0].node.reset();
  host.topology.nodes[0].cpus = {};
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0-1");
  CHECK(targets(make_plan(host, {})) == cpus("1"));
}

TEST_CASE("device or VM: --near says whose node counts, and the plan tells of the VM", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"2"}, {kNic});
  add_vector(host, kNic, "2");
  Policy policy;
  CHECK(targets(make_plan(host, policy)) == cpus("0"));
  const auto standing = standing_conditions(host, policy);
  REQUIRE(standing.size() == 1);
  CHECK(standing[0].starts_with("vm1 runs on node 1, its device 0000:3b:00.0 is on node 0"));
  CHECK_FALSE(warns(make_plan(host, policy), "runs on node 1"));
  CHECK(standing[0].ends_with("vectors go near the device (--near)"));
  policy.near_to = Near::vm;
  CHECK(targets(make_plan(host, policy)) == cpus("3"));
  CHECK(standing_conditions(host, policy).at(0).ends_with("vectors go near the vm (--near)"));
  host.vms[0].vcpus.insert(host.vms[0].vcpus.end(), 2, host.vms[0].vcpus[0]);
  host.vms[0].vcpus[1].cpus = cpus("0");  // Now it is on both nodes, though most of it is far.
  CHECK(targets(make_plan(host, policy)) == cpus("1"));
  CHECK(standing_conditions(host, policy).empty());
}

TEST_CASE("primaries take the first thread of each core, then share", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "2");
  add_vector(host, kNic, "2");
  CHECK(targets(make_plan(host, {})) == cpus("0-1"));
  add_vector(host, kNic, "2");
  add_vector(host, kNic, "2");
  CHECK(targets(make_plan(host, {})) == cpus("0-1,8-9"));
}

TEST_CASE("a primary leaves a shared core for one without", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "0");
  add_vector(host, kNic, "8");
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].to == cpus("0"));
  CHECK(plan.assignments[1].to == cpus("1"));
}

TEST_CASE("an auxiliary goes to the sibling thread beside its primary", "[plan]") {
  auto host = two_nodes();
  add_device(host, "0000:3c:00.0", NodeId{0}).class_code = 0x010802;
  host.vms[0].devices.push_back(address("0000:3c:00.0"));
  add_vector(host, kNic, "0");
  add_vector(host, "0000:3c:00.0", "2");
  add_vector(host, "0000:3c:00.0", "2");
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[1].role == Role::auxiliary);
  CHECK(plan.assignments[2].to == cpus("1"));
  CHECK(plan.assignments[1].to == cpus("9"));
  CHECK(plan.assignments[2].reason == "off cpu2 (vCPU 0 of vm1); node 0, core 1 first");
  CHECK(plan.assignments[1].reason == "off cpu2 (vCPU 0 of vm1); node 0, core 1 sibling");
}

TEST_CASE("where cores have no number, the lists of siblings tell them apart", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 1, .threads = 2});
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "1");
  for (auto& cpu : host.topology.cpus) {
    cpu.core.reset();
  }
  CHECK(targets(make_plan(host, {})) == cpus("0"));  // The first thread of its core
  for (auto& cpu : host.topology.cpus) {
    cpu.siblings = {};
  }
  CHECK(targets(make_plan(host, {})) == cpus("1"));  // A core by itself
}

TEST_CASE("an auxiliary takes the least loaded CPU where there are no siblings", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 3});
  add_device(host, kNic, NodeId{0}).class_code = 0x010802;
  add_host_irq(host, "eth0", "0", 1000);
  add_vector(host, kNic, "0-2", 0).effective.reset();
  add_vector(host, kNic, "1", 500);
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].to == cpus("2"));
}

TEST_CASE("what a CPU carries already counts; timers and IPIs do not", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "0-1", 100);
  CHECK(targets(make_plan(host, {})) == cpus("0"));
  add_host_irq(host, "eth0", "0", 1000);
  host.counters.push_back({"LOC", "Local timer interrupts", 1'000'000, 2, {}});
  CHECK(targets(make_plan(host, {})) == cpus("1"));
}

TEST_CASE("what is spread over several CPUs is load where it was counted", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 3});
  host.topology.isolated = cpus("2");
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "2", 100);
  auto& wide = add_host_irq(host, "eth0", "0-1", 0);
  wide.effective.reset();
  wide.rates = {{0, 600}, {1, 300}};
  host.rate_source = RateSource::sampled;
  const auto plan = make_plan(host, {});
  CHECK(targets(plan) == cpus("1"));
  CHECK(plan.lower_bound == Approx(600));
  CHECK(plan.before.max_cpu_rate == Approx(600));
}

TEST_CASE("without rates what stays weighs as it would if it were planned", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 3});
  host.topology.isolated = cpus("2");
  add_device(host, "0000:3c:00.0", NodeId{0}).class_code = 0x010802;
  add_device(host, kNic, NodeId{0});
  add_vector(host, kNic, "2");
  add_vector(host, "0000:3c:00.0", "0");  // For administration.
  add_vector(host, "0000:3c:00.0", "1");
  Policy policy;
  policy.device_policies["0000:3c:00.0"] = VmPolicy::leave;
  CHECK(make_plan(host, policy).assignments[0].to == cpus("0"));
  host.irqs[1].affinity = host.irqs[1].effective = cpus("1");
  host.irqs[2].affinity = host.irqs[2].effective = cpus("0");
  CHECK(make_plan(host, policy).assignments[0].to == cpus("1"));
}

TEST_CASE("a lower bound stands beside the largest load", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  for (const double rate : {30.0, 30.0, 30.0}) {
    add_vector(host, kNic, "0", rate);
  }
  const auto plan = make_plan(host, {});
  CHECK(plan.lower_bound == Approx(60));  // Two of three share a CPU: more than the average of 45.
  CHECK(plan.after.max_cpu_rate == Approx(60));
  CHECK(plan.before.max_cpu_rate == Approx(90));
  CHECK(plan.before.rate_stdev == Approx(45));
  CHECK(plan.after.rate_stdev == Approx(15));
  host.rate_source = RateSource::none;
  CHECK_FALSE(make_plan(host, {}).lower_bound);
}

TEST_CASE("the lower bound is at least what stays on the busiest CPU", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_host_irq(host, "eth0", "0", 5000);
  add_vector(host, kNic, "1", 10);
  CHECK(make_plan(host, {}).lower_bound == Approx(5000));
}

TEST_CASE("of equal CPUs the one that shares a cache with the VM", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 8, .threads = 1, .llcs = 4});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"4"}, {kNic});
  add_vector(host, kNic, "4");
  CHECK(targets(make_plan(host, {})) == cpus("5"));
}

TEST_CASE("what is in place stays, unless moving it gains enough", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  for (const auto& [mask, rate] : {std::pair("0", 100.0), {"0", 50.0}, {"1", 60.0}, {"1", 20.0}}) {
    add_vector(host, kNic, mask, rate);
  }
  Policy policy;
  policy.min_gain = 30;  // 150 against the best, 120
  CHECK(change_count(make_plan(host, policy)) == 0);
  policy.rebalance = true;
  const auto plan = make_plan(host, policy);
  CHECK(plan.after.max_cpu_rate == Approx(120));
  CHECK(make_plan(host, {}).after.max_cpu_rate < 133);
}

TEST_CASE("only what no write touches counts as in place", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  for (const auto& [cpu, rate] : {std::pair("0", 100.0), {"0", 50.0}, {"1", 60.0}, {"1", 20.0}}) {
    add_vector(host, kNic, "0-1", rate).effective = cpus(cpu);
  }
  Policy policy;
  policy.min_gain = 30;
  CHECK(make_plan(host, policy).after.max_cpu_rate == Approx(120));
}

TEST_CASE("a wide mask is narrowed to the CPU that it is on", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "0-1,8-9");
  host.irqs[0].effective = cpus("1");
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].change);
  CHECK(plan.assignments[0].to == cpus("1"));
}

TEST_CASE("a vector in place stays beside what stays there anyway", "[plan]") {
  for (const int others : {0, 30}) {  // Few: every placement is tried; many: the fast way.
    CAPTURE(others);
    auto host = make_host({1, 8, 1, 1});
    add_device(host, kNic, NodeId{0});
    add_host_irq(host, "timer-like", "0", 300).settable = false;
    add_vector(host, kNic, "0", 0.5);
    for (int i = 0; i < others; ++i) {
      add_vector(host, kNic, fmt::format("{}", 1 + i % 7), 3);
    }
    host.rate_source = RateSource::sampled;
    CHECK(change_count(make_plan(host, {})) == 0);
    Policy policy;
    policy.rebalance = true;  // Now it goes where less is, unless each core must have one.
    CHECK(make_plan(host, policy).assignments[0].change == (others == 0));
  }
}

TEST_CASE("a pending move is not planned again", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "0").chip = "PCI-MSI";
  host.irqs[0].effective = cpus("3");
  CHECK(change_count(make_plan(host, {})) == 0);
}

TEST_CASE(
    "a vector that the kernel put elsewhere is planned again, not onto a CPU known to be full",
    "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "0", 3000).chip = "IR-PCI-MSIX";
  host.irqs[0].effective = cpus("3");
  host.irqs[0].rates = {{3, 3000}};
  const auto plan = make_plan(host, {});
  CHECK(plan.before.collisions == 1);
  CHECK(plan.after.collisions == 0);
  REQUIRE(plan.assignments[0].change);
  CHECK(plan.assignments[0].to == cpus("0"));  // Asked again: there may be one by now.
  CHECK(plan.assignments[0].reason.find("no vector was free on 0, which it asked for") !=
        std::string::npos);
  host.topology.cpus[0].free_vectors = 0;
  const auto other = make_plan(host, {});
  CHECK(other.assignments[0].to == cpus("1"));
}

TEST_CASE("places that nothing tells are a number of their own", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "0-15").effective.reset();
  add_vector(host, kNic, "2");
  const auto plan = make_plan(host, {});
  CHECK(plan.before.unknown == 1);
  CHECK(plan.before.collisions == 1);
  CHECK(plan.after.unknown == 0);
  CHECK(plan.after.collisions == 0);
}

TEST_CASE("rates since boot make nothing auxiliary, nor do unknown ones", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "0", 1000);
  add_vector(host, kNic, "1", 0.1);
  host.rate_source = RateSource::since_boot;
  CHECK(make_plan(host, {}).assignments[1].role == Role::primary);
  host.rate_source = RateSource::sampled;
  CHECK(make_plan(host, {}).assignments[1].role == Role::auxiliary);
  host.irqs[1].rates.clear();
  host.irqs[1].rates_known = false;
  CHECK(make_plan(host, {}).assignments[1].role == Role::primary);
  CHECK_FALSE(make_plan(host, {}).assignments[1].rate);
}

TEST_CASE("a CPU's own timer weighs nothing", "[plan]") {
  auto host = two_nodes();
  for (int i = 0; i < 4; ++i) {
    add_vector(host, kNic, "3", 100);
  }
  const auto quiet = make_plan(host, {});
  auto& timer = add_host_irq(host, "arch_timer", "0-15");
  timer.effective = CpuSet{};
  timer.rates = {{0, 5000}, {1, 10}, {8, 20}, {9, 4000}};
  const auto plan = make_plan(host, {});
  CHECK(plan.after.max_cpu_rate == 100);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(plan.assignments[i].to == quiet.assignments[i].to);
  }
}

TEST_CASE("planning the planned host changes nothing", "[plan]") {
  auto host = two_nodes();
  for (int i = 0; i < 6; ++i) {
    add_vector(host, kNic, "0-15");
  }
  const auto plan = make_plan(host, {});
  CHECK(change_count(plan) == 6);
  CHECK(change_count(make_plan(planned_host(host, plan), {})) == 0);
}

TEST_CASE("a new VM moves only its own vectors", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "2");
  add_vector(host, kNic, "2");
  host = planned_host(host, make_plan(host, {}));
  add_device(host, "0000:5e:00.0", NodeId{0});
  add_vm(host, "vm2", {"6"}, {"0000:5e:00.0"});
  add_vector(host, "0000:5e:00.0", "0-15");
  add_vector(host, "0000:5e:00.0", "0-15");
  for (const auto& assignment : make_plan(host, {}).assignments) {
    CHECK(assignment.change == (assignment.vm == "vm2"));
  }
}

TEST_CASE("filters select by device and by VM", "[plan]") {
  auto host = two_nodes();
  add_device(host, "0000:5e:00.0", NodeId{1});
  add_vector(host, kNic, "2");
  add_vector(host, "0000:5e:00.0", "2");
  Policy policy;
  policy.devices = {"*:5e:*"};
  CHECK(make_plan(host, policy).assignments.size() == 1);
  policy.devices.clear();
  policy.vms = {"vm*"};
  REQUIRE(make_plan(host, policy).assignments.size() == 1);
  CHECK(make_plan(host, policy).assignments[0].vm == "vm1");
  policy.vms = {"db*"};
  CHECK(warns(make_plan(host, policy), "--vm db*: no VM of that name"));
  host.vms[0].name = "db[1]";  // As a glob it is "db1".
  policy.vms = {"db[1]"};
  CHECK(make_plan(host, policy).assignments.size() == 1);
  CHECK(make_plan(host, policy).warnings.empty());
}

TEST_CASE("the default mask becomes the housekeeping CPUs, only if asked for", "[plan]") {
  auto host = two_nodes();
  host.default_affinity = host.topology.online;
  CHECK_FALSE(make_plan(host, {}).default_affinity);
  Policy policy;
  policy.default_affinity = true;
  const auto plan = make_plan(host, policy);
  CHECK(plan.default_affinity->to == cpus("0-1,4-9,12-15"));
  CHECK(planned_host(host, plan).default_affinity == plan.default_affinity->to);
  host.topology.isolated = host.topology.online;
  CHECK_FALSE(make_plan(host, policy).default_affinity);
}

TEST_CASE("of nodes equally near, balance chooses, in large plans too", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 4});
  add_device(host, kNic, std::nullopt);
  for (int i = 0; i < 16; ++i) {
    add_vector(host, kNic, fmt::format("{}", i % 4), 100);
  }
  CHECK(make_plan(host, {}).after.max_cpu_rate == Approx(200));
}

TEST_CASE("a change says what is wrong with where the vector is", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 4});
  add_device(host, kNic, NodeId{0});
  auto& irq = add_vector(host, kNic, "1");
  Policy policy;
  const auto reason = [&](const std::string& mask) {
    irq.affinity = irq.effective = cpus(mask);
    return make_plan(host, policy).assignments[0].reason;
  };
  CHECK(reason("1") == "in place: on a housekeeping CPU, node 0, core 1 first");
  CHECK(reason("6") == "off cpu6 (remote, distance 21); node 0, core 0 first");
  irq.affinity = cpus("0-3");
  irq.effective = cpus("1");
  CHECK(make_plan(host, policy).assignments[0].reason ==
        "cpu1 is good: narrowed to it; node 0, core 1 first");
  host.topology.cpus[3].online = false;
  host.topology.online.erase(3);
  CHECK(reason("3") == "off cpu3 (offline); node 0, core 0 first");
  policy.housekeeping = cpus("2,6");
  CHECK(reason("0") == "off cpu0 (not in --housekeeping); node 0, core 2 first");
}

TEST_CASE("what stays on a wide mask is as far as the farthest of its CPUs", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 2});
  add_device(host, kNic, NodeId{1});
  auto& irq = add_vector(host, kNic, "0,2");
  irq.effective.reset();
  irq.posted = Posted::posted;
  Policy policy;
  policy.policy = VmPolicy::leave;
  const auto assignment = make_plan(host, policy).assignments[0];
  CHECK(assignment.distance == 21);
  CHECK(assignment.locality == Locality::remote);
  CHECK(assignment.posted == Posted::posted);
}

TEST_CASE("the score: only a vCPU's core is a collision", "[plan]") {
  auto host = two_nodes();
  host.topology.isolated = cpus("1");
  add_vector(host, kNic, "1");
  add_vector(host, kNic, "2");
  add_vector(host, kNic, "10");  // A sibling
  const auto before = make_plan(host, {}).before;
  CHECK(before.collisions == 2);
  CHECK(before.cpus_used == 3);
}

}  // namespace irqtune::test
