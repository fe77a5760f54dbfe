// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/make_host.h"

#include <algorithm>

namespace irqtune::test {

namespace {

const std::string kNic = "0000:3b:00.0";

/// Two nodes of four cores with two threads (0-3 and 8-11 on node 0); vm1 pins cores 2 and 3, and
/// has a NIC on node 0. So 0, 1, 8, 9 may take its vectors.
Host two_nodes() {
  auto host = make_host({.nodes = 2, .cores = 4, .threads = 2, .llcs = 1});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"2", "3"}, {kNic});
  return host;
}

CpuSet targets(const Plan& plan) {
  CpuSet all;
  for (const auto& assignment : plan.assignments) {
    all |= assignment.to;
  }
  return all;
}

bool warns(const Plan& plan, const std::string& part) {
  return std::ranges::any_of(
      plan.warnings, [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

}  // namespace

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

TEST_CASE("where every CPU is protected, nothing moves and the plan names the pins", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"0", "1"}, {kNic});
  add_vector(host, kNic, "1");
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].blocked == Blocked::no_candidate);
  CHECK_FALSE(plan.assignments[0].change);
  CHECK(warns(plan, "vm1 pins 0-1"));
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
  CHECK(warns(plan, "--housekeeping 77 names none that is online, so 1 vectors stay; give CPUs"));
  CHECK_FALSE(warns(plan, "every online CPU is protected"));
  policy.housekeeping = cpus("1,77");
  CHECK(
      warns(make_plan(host, policy), "--housekeeping 1,77 names protected ones only (vm1 pins 1)"));
  policy.housekeeping.reset();
  policy.protection.avoid = cpus("2-3");
  CHECK(warns(make_plan(host, policy),
              "every online CPU is protected (vm1 pins 0-1, --avoid 2-3), so 1 vectors stay"));
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

TEST_CASE("device or VM: --near says whose node counts, and the plan tells of the VM", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"2"}, {kNic});
  add_vector(host, kNic, "2");
  Policy policy;
  CHECK(targets(make_plan(host, policy)) == cpus("0"));
  CHECK(warns(make_plan(host, policy), "vm1 runs on node 1, its device 0000:3b:00.0 is on node 0"));
  policy.near_to = Near::vm;
  CHECK(targets(make_plan(host, policy)) == cpus("3"));
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
  host.counters.push_back({"LOC", "Local timer interrupts", 1'000'000, 2});
  CHECK(targets(make_plan(host, {})) == cpus("1"));
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

TEST_CASE("a wide mask is narrowed to the CPU that it is on", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "0-1,8-9");
  host.irqs[0].effective = cpus("1");
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].change);
  CHECK(plan.assignments[0].to == cpus("1"));
}

TEST_CASE("a pending move is not planned again", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "0");
  host.irqs[0].effective = cpus("3");
  CHECK(change_count(make_plan(host, {})) == 0);
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
  CHECK(warns(plan, "1 vectors do not fit: with at most 1 a CPU this set takes 3 housekeeping"));
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

TEST_CASE("managed vectors and those of `leave` stay", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "2").settable = false;
  CHECK(make_plan(host, {}).assignments[0].blocked == Blocked::managed);
  host.irqs[0].settable = true;
  Policy policy;
  policy.vm_policies["vm1"] = VmPolicy::leave;
  CHECK(make_plan(host, policy).assignments[0].blocked == Blocked::left);
  policy.device_policies[kNic] = VmPolicy::avoid;
  CHECK(make_plan(host, policy).assignments[0].change);
}

TEST_CASE("colocate deals vectors out to the VM's own vCPUs", "[plan]") {
  auto host = two_nodes();
  for (int i = 0; i < 3; ++i) {
    add_vector(host, kNic, "0");
  }
  Policy policy;
  policy.policy = VmPolicy::colocate;
  const auto plan = make_plan(host, policy);
  CHECK(plan.assignments[0].to == cpus("2"));
  CHECK(plan.assignments[1].to == cpus("3"));
  CHECK(plan.assignments[2].to == cpus("2"));
  host.vms.clear();
  CHECK(make_plan(host, policy).assignments[0].blocked == Blocked::no_candidate);
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
}

TEST_CASE("evict takes the host's interrupts off protected CPUs and leaves the rest", "[plan]") {
  auto host = two_nodes();
  add_host_irq(host, "eth0", "3");
  add_host_irq(host, "eth1", "0-1");
  auto& managed = add_host_irq(host, "nvme0q3", "2");
  managed.settable = false;
  managed.device = address("0000:01:00.0");
  Policy policy;
  CHECK(make_plan(host, policy).assignments.empty());
  policy.scope = Scope::evict;
  const auto plan = make_plan(host, policy);
  REQUIRE(plan.assignments.size() == 1);
  CHECK(plan.assignments[0].actions[0] == "eth0");
  CHECK(plan.managed_left_out == 1);
  policy.scope = Scope::all;
  CHECK(make_plan(host, policy).assignments.size() == 2);
}

TEST_CASE("what is evicted counts for the next plan as it did for this one", "[plan]") {
  auto host = two_nodes();
  Policy policy;
  policy.scope = Scope::evict;
  SECTION("as the primary of its core") {
    add_host_irq(host, "eth0", "3");
    add_vector(host, kNic, "2");
  }
  SECTION("with its load, though counted elsewhere") {
    add_host_irq(host, "eth0", "3", 5000);
    add_vector(host, kNic, "2", 3000);
    add_vector(host, kNic, "2", 3000);
    add_vector(host, kNic, "2", 3000);
  }
  const auto plan = make_plan(host, policy);
  REQUIRE(change_count(plan) == plan.assignments.size());
  CHECK(targets(plan).size() == std::min<std::size_t>(plan.assignments.size(), 4));
  auto after = planned_host(host, plan);
  CHECK(change_count(make_plan(after, policy)) == 0);
  for (std::size_t i = 0; i < after.irqs.size(); ++i) {
    after.irqs[i].rates = host.irqs[i].rates;
  }
  CHECK(change_count(make_plan(after, policy)) == 0);
}

TEST_CASE("the default mask becomes the housekeeping CPUs, only if asked for", "[plan]") {
  auto host = two_nodes();
  host.default_affinity = host.topology.online;
  CHECK_FALSE(make_plan(host, {}).default_affinity);
  Policy policy;
  policy.default_affinity = true;
  CHECK(make_plan(host, policy).default_affinity->to == cpus("0-1,4-9,12-15"));
}

TEST_CASE("a shared line is moved, and named", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "2").actions = {"vfio-intx(0000:3b:00.0)", "uhci_hcd:usb1"};
  CHECK(warns(make_plan(host, {}), "is shared (vfio-intx(0000:3b:00.0), uhci_hcd:usb1)"));
}

}  // namespace irqtune::test
