// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"
#include "support/plan_checks.h"

#include <algorithm>
#include <utility>

namespace irqtune::test {

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

TEST_CASE("before 6.12, drivers that spread their queues are known by a table", "[plan]") {
  struct Row {
    std::string driver;
    std::string handler;
    bool managed = true;
  };

  const auto row = GENERATE(values<Row>({{"nvme", "nvme0q1"},
                                         {"nvme", "nvme0q0", false},
                                         {"virtio-pci", "virtio1-req.0"},
                                         {"virtio-pci", "virtio2-request"},
                                         {"virtio-pci", "virtio2-config", false},
                                         {"megaraid_sas", "megasas0-msix3"},
                                         {"mpt3sas", "mpt3sas0-msix0"},
                                         {"", "mpt3sas0-msix0"},
                                         {"mpi3mr", "mpi3mr0-msix7"},
                                         {"smartpqi", "smartpqi"},
                                         {"hisi_sas_v3_hw", "hisi_sas_v3_hw cq"},
                                         {"hisi_sas_v3_hw", "hisi_sas_v3_hw phy", false},
                                         {"qla2xxx", "qla2xxx0 (qp)"},
                                         {"qla2xxx", "qla2xxx0_default", false},
                                         {"lpfc", "lpfc:3"},
                                         {"aacraid", "aacraid0"},
                                         {"pm80xx", "pm80xx0"},
                                         {"ahci", "ahci[0000:05:00.0]", false},
                                         {"ice", "ice-eth0-TxRx-1", false},
                                         {"ixgbe", "eth1-TxRx-0", false},
                                         {"mlx5_core", "mlx5_comp1@pci:0000:05:00.0", false}}));
  INFO(row.driver << " " << row.handler);
  auto host = two_nodes();
  const std::string own = "0000:05:00.0";
  auto& device = add_device(host, own, NodeId{0});
  device.driver = row.driver;
  device.passthrough = false;
  auto& irq = add_host_irq(host, row.handler, "2", 90'000);
  irq.device = address(own);
  irq.settable.reset();
  Policy policy;
  policy.scope = Scope::evict;
  const auto plan = make_plan(host, policy);
  CHECK(plan.managed_left_out == (row.managed ? 1 : 0));
  CHECK(plan.assignments.size() == (row.managed ? 0 : 1));
  SECTION("the kernel's word is over it") {
    host.irqs[0].settable = true;
    CHECK(make_plan(host, policy).assignments.size() == 1);
  }
  SECTION("--skip-device leaves it out") {
    policy.skip_devices = {"0000:05:*"};
    CHECK(make_plan(host, policy).assignments.empty());
  }
}

TEST_CASE("a line of two guests is theirs both", "[plan]") {
  auto host = two_nodes();
  const auto policy_of = GENERATE(VmPolicy::leave, VmPolicy::colocate, VmPolicy::avoid);
  const std::string other = "0000:3c:00.0";
  add_device(host, other, NodeId{0});
  add_vm(host, "other", {"1"}, {other});
  auto& line = add_vector(host, kNic, "2");
  line.vector->kind = VectorKind::intx;
  line.actions = {"vfio-intx(" + kNic + ")", " vfio-intx(" + other + ")"};
  Policy policy;
  policy.vms = {"other"};
  policy.policy = VmPolicy::colocate;
  policy.vm_policies["other"] = policy_of;
  const auto plan = make_plan(host, policy);
  REQUIRE(plan.assignments.size() == 1);
  if (policy_of == VmPolicy::leave) {
    CHECK(plan.assignments[0].blocked == Blocked::left);
  } else {
    CHECK_FALSE(plan.assignments[0].blocked);
    CHECK_FALSE(plan.assignments[0].to.intersects(plan.protected_cpus));
  }
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

TEST_CASE("placed again beside what is evicted, no CPU carries more than at first", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 3});
  host.topology.isolated = cpus("2");
  add_device(host, kNic, NodeId{0});
  for (const auto& [mask, rate] : {std::pair("0", 9300), {"0", 1000}, {"1", 4000}, {"1", 700}}) {
    add_vector(host, kNic, mask, rate);
  }
  add_host_irq(host, "fixed", "0", 1000).settable = false;
  add_host_irq(host, "eth0", "2", 4000);
  Policy policy;
  policy.scope = Scope::evict;
  // eth0 goes to CPU 1, and with it 1000/s: 10300/s against 9700/s. With eth0 on CPU 1 for good no
  // placement is below that, so that 11300/s, all else as it is, would be within --min-gain.
  const auto plan = make_plan(host, policy);
  REQUIRE(plan.assignments.size() == 5);
  CHECK(plan.assignments[1].to == cpus("1"));
  CHECK(plan.assignments[4].to == cpus("1"));
  CHECK(change_count(plan) == 2);
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
  host.vms[0].vcpus[0].pinned = false;
  CHECK(targets(make_plan(host, policy)) == cpus("3"));
  host.vms.clear();
  CHECK(make_plan(host, policy).assignments[0].blocked == Blocked::no_candidate);
}

TEST_CASE("colocate: each CPU in its turn, however many vCPUs are pinned to it", "[plan]") {
  auto host = two_nodes();
  host.vms[0].vcpus.insert(host.vms[0].vcpus.begin(), host.vms[0].vcpus[0]);
  for (int i = 0; i < 3; ++i) {
    add_vector(host, kNic, "0");
  }
  Policy policy;
  policy.policy = VmPolicy::colocate;
  const auto plan = make_plan(host, policy);
  CHECK(plan.assignments[0].to == cpus("2"));
  CHECK(plan.assignments[1].to == cpus("3"));
  CHECK(plan.assignments[2].to == cpus("2"));
  host.topology.online.erase(2);
  host.topology.cpus[2].online = false;
  CHECK(targets(make_plan(host, policy)) == cpus("3"));
}

TEST_CASE("colocate: devices of two nodes, each near to its own", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 4});
  add_device(host, kNic, NodeId{0});
  add_device(host, "0000:af:00.0", NodeId{1});
  add_vm(host, "vm1", {"2", "5"}, {kNic, "0000:af:00.0"});
  add_vector(host, kNic, "0");
  add_vector(host, kNic, "0");
  add_vector(host, "0000:af:00.0", "0");
  Policy policy;
  policy.policy = VmPolicy::colocate;
  const auto plan = make_plan(host, policy);
  CHECK(plan.assignments[0].to == cpus("2"));
  CHECK(plan.assignments[1].to == cpus("5"));
  CHECK(plan.assignments[2].to == cpus("5"));
}

TEST_CASE("of the host's interrupts only what can be moved is planned", "[plan]") {
  auto host = two_nodes();
  Policy policy;
  policy.scope = Scope::evict;
  auto& irq = add_host_irq(host, "eth0", "2");
  const auto planned = [&] { return make_plan(host, policy).assignments.size(); };
  CHECK(planned() == 1);
  irq.settable.reset();
  CHECK(planned() == 0);  // Of no device: only if the kernel says that it is settable.
  add_device(host, "0000:01:00.0", NodeId{0}).passthrough = false;
  irq.device = address("0000:01:00.0");
  CHECK(planned() == 1);
  for (const auto* name : {"nvme0q3", "virtio2-req.0"}) {
    irq.actions = {name};
    CHECK(planned() == 0);
    CHECK(make_plan(host, policy).managed_left_out == 1);
  }
  irq.actions = {"nvme0q0"};
  CHECK(planned() == 1);
  irq.actions.clear();
  CHECK(planned() == 0);  // Without a handler there is nothing to move.
  irq.actions = {"eth0"};
  policy.device_policies["0000:01:00.0"] = VmPolicy::leave;
  CHECK(make_plan(host, policy).assignments[0].blocked == Blocked::left);
}

TEST_CASE("an interrupt of no device is planned only where its mask can be read", "[plan]") {
  auto host = two_nodes();
  add_host_irq(host, "eth0", "2").affinity.reset();
  Policy policy;
  policy.scope = Scope::all;
  CHECK(make_plan(host, policy).assignments.empty());
  host.irqs[0].affinity = cpus("2");
  CHECK(make_plan(host, policy).assignments.size() == 1);
}

TEST_CASE("evict takes off what may run on a protected CPU, wherever else it may", "[plan]") {
  auto host = two_nodes();
  add_host_irq(host, "eth0", "0,2").effective.reset();
  Policy policy;
  policy.scope = Scope::evict;
  const auto plan = make_plan(host, policy);
  REQUIRE(plan.assignments.size() == 1);
  CHECK(plan.assignments[0].change);
}

TEST_CASE("what is selected by VM has none of the host's interrupts", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "2");
  add_host_irq(host, "eth0", "3");
  Policy policy;
  policy.scope = Scope::all;
  policy.vms = {"vm1"};
  const auto plan = make_plan(host, policy);
  REQUIRE(plan.assignments.size() == 1);
  CHECK(plan.assignments[0].vm == "vm1");
}

TEST_CASE("a core keeps its primary where no more fits on its first thread", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2, .threads = 2});
  add_device(host, kNic, NodeId{0});
  add_host_irq(host, "eth0", "0", 100);
  auto& fixed = add_host_irq(host, "eth1", "1", 900);
  fixed.settable = false;
  add_vector(host, kNic, "0-3", 50);
  Policy policy;
  policy.scope = Scope::evict;
  policy.max_vectors_per_cpu = 2;
  CHECK(targets(make_plan(host, policy)) == cpus("1"));
  add_host_irq(host, "eth2", "0", 1);  // Now CPU 0 is full.
  CHECK(targets(make_plan(host, policy)) == cpus("1"));
}

TEST_CASE("colocate: by index, near to the device first, within the budget", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 4});
  add_device(host, kNic, NodeId{1});
  add_vm(host, "vm1", {"2", "5", "6"}, {kNic});
  for (int i = 0; i < 4; ++i) {
    add_vector(host, kNic, "0");
  }
  std::swap(host.irqs[0].vector->index, host.irqs[1].vector->index);
  Policy policy;
  policy.policy = VmPolicy::colocate;
  policy.max_vectors_per_cpu = 1;
  const auto plan = make_plan(host, policy);
  CHECK(plan.assignments[1].to == cpus("5"));
  CHECK(plan.assignments[0].to == cpus("6"));
  CHECK(plan.assignments[2].to == cpus("2"));
  CHECK(plan.assignments[3].blocked == Blocked::budget);
}

TEST_CASE("of VMs that claim a device, the running one has it", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 2});
  add_device(host, kNic, std::nullopt);
  add_vector(host, kNic, "0-3");
  add_vm(host, "a", {"0"}, {kNic}).state = VmState::defined;
  add_vm(host, "b", {"2"}, {kNic});
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].vm == "b");
  CHECK(plan.assignments[0].to == cpus("3"));
}

TEST_CASE("vCPUs that float over nodes say nothing of where their VM is", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 4});
  add_device(host, kNic, std::nullopt);
  add_vm(host, "vm1", {"1,5"}, {kNic});
  add_vector(host, kNic, "0-7");
  CHECK(make_plan(host, {}).after.unknown_node == 1);
  host.vms[0].vcpus[0].cpus = cpus("5-6");
  CHECK(make_plan(host, {}).after.unknown_node == 0);
}

}  // namespace irqtune::test
