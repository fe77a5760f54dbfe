// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/explain.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

#include <algorithm>

namespace irqtune::test {

namespace {

Host host_of_db1() {
  auto host = make_host({.nodes = 2, .cores = 4, .threads = 2, .llcs = 1});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "db1", {"2"}, {kNic});
  add_vector(host, kNic, "2", 100);
  return host;
}

std::string rule(const VectorExplanation& made, int cpu) {
  const auto found = std::ranges::find(made.rejected, cpu, &RejectionFact::cpu);
  return found != made.rejected.end() ? found->rule : "";
}

}  // namespace

TEST_CASE("a vector: the candidates, and what rejected each of the others", "[plan][explain]") {
  const auto host = host_of_db1();
  const auto made = explain_vector(host, {}, host.irqs[0].number).value();
  REQUIRE(made.candidates.size() == 6);
  CHECK(made.candidates[0].chosen);
  CHECK(made.candidates[0].load == Approx(100));
  CHECK(rule(made, 2) == "cpu2: vCPU 0 of db1 (libvirt)");
  CHECK(rule(made, 10) == "cpu10: sibling of cpu2, vCPU 0 of db1 (libvirt)");
  CHECK(rule(made, 4) == "cpu4: node 1, distance 21");
  CHECK_FALSE(made.why.empty());
  CHECK_FALSE(explain_vector(host, {}, IrqNumber{9999}));
}

TEST_CASE("a vector under colocate: the CPUs of its VM's vCPUs, with the chosen one",
          "[plan][explain]") {
  auto host = make_host({.nodes = 2, .cores = 4, .threads = 2, .llcs = 1});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "db1", {"4", "2", "3"}, {kNic});
  add_vector(host, kNic, "0", 100);
  add_vector(host, kNic, "0", 50);
  Policy policy;
  policy.policy = VmPolicy::colocate;
  const auto made = explain_vector(host, policy, host.irqs[1].number).value();
  REQUIRE(made.assignment.to == CpuSet{3});
  REQUIRE(made.candidates.size() == 3);
  CHECK(made.candidates[0].cpu == 3);
  CHECK(made.candidates[0].chosen);
  CHECK(made.candidates[0].load == Approx(50));
  CHECK(made.candidates[0].vectors == 1);
  CHECK(made.candidates[1].cpu == 2);
  CHECK_FALSE(made.candidates[1].chosen);
  CHECK(made.candidates[1].load == Approx(100));
  CHECK(made.candidates[2].cpu == 4);
  CHECK(made.candidates[2].distance == 21);
  CHECK(made.rejected.size() == 13);
  CHECK(rule(made, 0) == "cpu0: no pinned vCPU of the VM runs there");
  policy.protection.avoid = CpuSet{2};
  const auto avoided = explain_vector(host, policy, host.irqs[1].number).value();
  CHECK(rule(avoided, 2) == "cpu2: in --avoid");
  host.vms.clear();
  CHECK(explain_vector(host, policy, host.irqs[1].number).value().candidates.empty());
}

TEST_CASE("a CPU: who protects it, and what it would carry", "[plan][explain]") {
  const auto host = host_of_db1();
  const auto pinned = explain_cpu(host, {}, 2).value();
  CHECK(pinned.rules == std::vector<std::string>{"cpu2: vCPU 0 of db1 (libvirt)"});
  CHECK(pinned.load_before == Approx(100));
  CHECK(pinned.load_after == Approx(0));
  CHECK(pinned.before.size() == 1);
  const auto target = explain_cpu(host, {}, 0).value();
  CHECK(target.housekeeping);
  CHECK(target.after.size() == 1);
  CHECK_FALSE(explain_cpu(host, {}, 99));
}

TEST_CASE("a device: all its vectors", "[plan][explain]") {
  const auto host = host_of_db1();
  const auto made = explain_device(host, {}, address(kNic)).value();
  CHECK(made.vm == "db1");
  CHECK(made.vectors.size() == 1);
  CHECK_FALSE(explain_device(host, {}, address("0000:00:00.0")));
}

TEST_CASE("a vector under colocate: a vCPU's CPU that sysfs does not describe", "[plan][explain]") {
  auto host = host_of_db1();
  std::erase_if(host.topology.cpus, [](const Cpu& cpu) { return cpu.number == 2; });
  Policy policy;
  policy.policy = VmPolicy::colocate;
  CHECK(explain_vector(host, policy, host.irqs[0].number)->candidates.empty());
}

}  // namespace irqtune::test
