// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/diagnosis.h"
#include "support/hosts/make_host.h"

#include <string>

namespace irqtune {

namespace {

using test::add_device;
using test::add_host_irq;
using test::add_vector;
using test::add_vm;
using test::cpus;
using test::findings_of;
using test::has_text;
using test::ids;
using test::make_host;
using test::require_finding;

constexpr auto kDevice = "0000:3b:00.0";

/// Two nodes of four cores with two threads: CPUs 0-3,8-11 and 4-7,12-15. db1 has cores 2 and 3 and
/// a device of node 0, whose vectors are not placed yet.
Host pinned_host() {
  auto host = make_host({.nodes = 2, .cores = 4, .threads = 2});
  add_device(host, kDevice, NodeId{0});
  add_vm(host, "db1", {"2", "10", "3", "11"}, {kDevice});
  return host;
}

std::string placement_ids(const Host& host, const Policy& policy = {}) {
  return ids(findings_of(find_placement, host, {}, policy));
}

}  // namespace

TEST_CASE("diagnose placement: vectors off the vCPUs' cores are nothing to speak of",
          "[diagnose]") {
  auto host = pinned_host();
  add_vector(host, kDevice, "0", 500);
  add_vector(host, kDevice, "1", 500);
  CHECK(placement_ids(host).empty());
}

TEST_CASE("diagnose placement: a vector on a vCPU's core", "[diagnose]") {
  auto host = pinned_host();
  add_vector(host, kDevice, "2", 500);
  add_vector(host, kDevice, "3", 250);
  const auto findings = findings_of(find_placement, host);
  const auto& finding = require_finding(findings, "vector-on-vcpu");
  CHECK(finding.severity == Severity::warning);
  CHECK(finding.confidence == Confidence::likely);  // The vectors may be posted.
  CHECK(finding.title.find("2 vectors of db1") == 0);
  CHECK(finding.title.find("750/s") != std::string::npos);
  CHECK(has_text(finding.evidence, "cpu2: vCPU 0 of db1 (libvirt): IRQ 24, 500/s"));
  CHECK(finding.remedy.at(0) == "irqtune apply --vm db1");
  CHECK(finding.irqs == std::vector{IrqNumber{24}, IrqNumber{25}});
  CHECK(finding.cpus == cpus("2-3"));
  CHECK(finding.vms == std::vector<std::string>{"db1"});
}

TEST_CASE("diagnose placement: how grave a collision is", "[diagnose]") {
  auto host = pinned_host();
  SECTION("hot") {
    add_vector(host, kDevice, "2", 50000);
    CHECK(findings_of(find_placement, host).at(0).severity == Severity::critical);
  }
  SECTION("next to no traffic") {
    add_vector(host, kDevice, "0", 500);
    add_vector(host, kDevice, "2", 0.1);
    CHECK(findings_of(find_placement, host).at(0).severity == Severity::info);
  }
  SECTION("rates unknown") {
    add_vector(host, kDevice, "2");
    CHECK(findings_of(find_placement, host).at(0).severity == Severity::warning);
  }
  SECTION("posted: it never gets there") {
    add_vector(host, kDevice, "2", 500).posted = Posted::posted;
    CHECK(placement_ids(host).empty());
  }
  SECTION("remapped for sure") {
    add_vector(host, kDevice, "2", 500).posted = Posted::remapped;
    CHECK(findings_of(find_placement, host).at(0).confidence == Confidence::certain);
  }
}

TEST_CASE("diagnose placement: what a policy wants is no finding", "[diagnose]") {
  auto host = pinned_host();
  add_vector(host, kDevice, "2", 500);
  Policy policy;
  policy.vm_policies = {{"db1", GENERATE(VmPolicy::colocate, VmPolicy::leave)}};
  CHECK(placement_ids(host, policy).empty());
}

TEST_CASE("diagnose placement: a vector beside a vCPU", "[diagnose]") {
  auto host = pinned_host();
  host.vms.clear();
  add_vm(host, "db1", {"2", "3"}, {kDevice});
  add_vector(host, kDevice, "10", 500);
  const auto findings = findings_of(find_placement, host);
  const auto& finding = require_finding(findings, "vector-on-vcpu-sibling");
  CHECK(has_text(finding.evidence, "cpu10: sibling of cpu2, vCPU 0 of db1"));
  CHECK(finding.vms == std::vector<std::string>{"db1"});
}

TEST_CASE("diagnose placement: a vector on an isolated CPU that nobody uses", "[diagnose]") {
  auto host = pinned_host();
  host.topology.isolated = cpus("1");
  add_vector(host, kDevice, "1", 500);
  CHECK(placement_ids(host) == "vector-on-isolated");
  host.topology.isolated = {};
  CHECK(placement_ids(host).empty());
}

TEST_CASE("diagnose placement: one finding for all VMs, with a line for each", "[diagnose]") {
  auto host = pinned_host();
  add_device(host, "0000:5e:00.0", NodeId{1});
  add_vm(host, "web1", {"6", "14"}, {"0000:5e:00.0"});
  for (int i = 0; i < 5; ++i) {
    add_vector(host, kDevice, "6", 500);
    add_vector(host, "0000:5e:00.0", "2", 600);
  }
  const auto findings = findings_of(find_placement, host);
  CHECK(ids(findings) == "vector-on-vcpu vector-remote");
  const auto& finding = findings.at(0);
  CHECK(finding.title == "10 vectors of 2 VMs interrupt cores that vCPUs run on, 5500/s sampled");
  CHECK(finding.severity == Severity::warning);
  CHECK(finding.vms == std::vector<std::string>{"db1", "web1"});
  CHECK(finding.evidence.at(0) == "web1: IRQ 25,27,29,31,33 on CPUs 2 of db1, 3000/s sampled");
  CHECK(finding.evidence.at(1) == "db1: IRQ 24,26,28,30,32 on CPUs 6 of web1, 2500/s sampled");
  CHECK(finding.remedy == std::vector<std::string>{"irqtune apply"});
  CHECK(findings.at(1).remedy == std::vector<std::string>{"irqtune apply"});
  CHECK(has_text(findings.at(1).evidence, "db1: device on node 0, IRQ 24,26,28,30,32"));
  for (int i = 0; i < 20; ++i) {
    add_vector(host, "0000:5e:00.0", i % 2 == 0 ? "2" : "3", 1);
    add_vector(host, kDevice, "6", 1);
  }
  CHECK(findings_of(find_placement, host).at(0).evidence.at(0) ==
        "web1: 25 vectors on CPUs 2-3 of db1, 3020/s sampled");
}

TEST_CASE("diagnose placement: many VMs with a few interrupts each are no catastrophe",
          "[diagnose]") {
  auto host = make_host({.cores = 40});
  for (int i = 0; i < 12; ++i) {
    const auto device = "0000:" + std::to_string(10 + i) + ":00.0";
    add_device(host, device, NodeId{0});
    add_vm(host, "vm" + std::to_string(10 + i), {std::to_string(10 + i)}, {device});
    add_vector(host, device, std::to_string(10 + i), 1500);
  }
  const auto findings = findings_of(find_placement, host);
  const auto& finding = require_finding(findings, "vector-on-vcpu");
  CHECK(finding.severity == Severity::warning);
  CHECK(finding.evidence.size() == 9);  // Seven, how many more, and where it is read.
  CHECK(finding.vms.size() == 12);
  CHECK(finding.title.find("12 vectors of 12 VMs") == 0);
}

TEST_CASE("diagnose placement: --vm takes the VM's vectors, and those on its cores", "[diagnose]") {
  auto host = pinned_host();
  for (const auto* const device : {"0000:5e:00.0", "0000:5f:00.0"}) {
    add_device(host, device, NodeId{0});
  }
  add_vm(host, "web1", {"1"}, {"0000:5e:00.0"});
  add_vm(host, "web2", {"8"}, {"0000:5f:00.0"});
  add_vector(host, kDevice, "1", 500);
  add_vector(host, "0000:5e:00.0", "8", 500);
  add_vector(host, "0000:5f:00.0", "8", 500);
  Policy policy;
  policy.vms = {"web1"};
  const auto of_web1 = findings_of(find_placement, host, {}, policy);
  CHECK(require_finding(of_web1, "vector-on-vcpu").irqs ==
        std::vector{IrqNumber{24}, IrqNumber{25}});
  policy.vms = {};
  policy.devices = {"0000:5f:*"};
  const auto of_device = findings_of(find_placement, host, {}, policy);
  CHECK(require_finding(of_device, "vector-on-vcpu").irqs == std::vector{IrqNumber{26}});
}

TEST_CASE("diagnose placement: the remedy reaches all devices of a process", "[diagnose]") {
  auto host = pinned_host();
  VfioUser user{4711, "dpdk", {}, {}};
  for (const auto* const device : {"0000:5e:00.0", "0000:5e:00.1"}) {
    add_device(host, device, NodeId{0});
    add_vector(host, device, "2", 500);
    user.devices.push_back(test::address(device));
  }
  host.vfio_users = {user};
  const auto findings = findings_of(find_placement, host);
  CHECK(findings.at(0).title.find("2 vectors of dpdk (pid 4711) interrupt") == 0);
  CHECK(findings.at(0).remedy.at(0) == "irqtune apply --device 0000:5e:00.0 --device 0000:5e:00.1");
}

TEST_CASE("diagnose placement: a vector on another node than its device", "[diagnose]") {
  auto host = pinned_host();
  add_vector(host, kDevice, "4", 500);
  const auto findings = findings_of(find_placement, host);
  const auto& finding = require_finding(findings, "vector-remote");
  CHECK(has_text(finding.evidence, "device on node 0, IRQ 24 served on node 1 (distance 21"));
  CHECK(finding.remedy == std::vector<std::string>{"irqtune apply --vm db1"});
  CHECK(finding.cpus == cpus("4"));
}

TEST_CASE("diagnose placement: remote because its own node has no CPU to give", "[diagnose]") {
  auto host = pinned_host();
  host.vms.clear();
  add_vm(host, "db1", {"0", "1", "2", "3"}, {kDevice});
  add_vector(host, kDevice, "4", 500);
  const auto findings = findings_of(find_placement, host);
  CHECK(ids(findings) == "no-housekeeping-cpu");
  CHECK(findings.at(0).cpus == cpus("0-3,8-11"));
  CHECK(has_text(findings.at(0).evidence, "db1 pins 0-3,8-11"));
  CHECK(findings.at(0).devices.size() == 1);
}

TEST_CASE("diagnose placement: no housekeeping CPU at all", "[diagnose]") {
  auto host = make_host({.cores = 2});
  add_device(host, kDevice, NodeId{0});
  add_vm(host, "db1", {"0", "1"}, {kDevice});
  add_vector(host, kDevice, "0", 500);
  const auto findings = findings_of(find_placement, host);
  CHECK(has_text(require_finding(findings, "vector-on-vcpu").remedy, "see no-housekeeping-cpu"));
  CHECK(require_finding(findings, "no-housekeeping-cpu").title.find("no CPU is left") == 0);
}

TEST_CASE("diagnose placement: the host's own interrupts on vCPUs' cores", "[diagnose]") {
  auto host = pinned_host();
  add_host_irq(host, "eth0-rx-0", "2", 5000);
  add_host_irq(host, "nvme0q3", "3", 200).settable = false;
  add_host_irq(host, "eth0-rx-1", "1", 5000);
  const auto findings = findings_of(find_placement, host);
  CHECK(ids(findings) == "host-irq-on-vcpu");
  CHECK(has_text(findings.at(0).evidence, "IRQ 24 (eth0-rx-0): 5000/s on 2"));
  CHECK(findings.at(0).remedy.at(0) == "irqtune apply --scope evict");
  CHECK(findings.at(0).remedy.at(1).starts_with("each CPU that queue of IRQ 25 may use"));
}

TEST_CASE("diagnose placement: apply is no remedy for what the kernel manages", "[diagnose]") {
  auto host = pinned_host();
  add_host_irq(host, "nvme0q3", "3", 200).settable = false;
  const auto findings = findings_of(find_placement, host);
  CHECK(ids(findings) == "host-irq-on-vcpu");
  CHECK_FALSE(has_text(findings.at(0).remedy, "irqtune apply"));
}

TEST_CASE("diagnose placement: the host's own interrupts elsewhere, or few", "[diagnose]") {
  auto host = pinned_host();
  add_host_irq(host, "eth0-rx-0", "1", 5000);
  add_host_irq(host, "ata1", "2", 20);
  CHECK(placement_ids(host).empty());
}

TEST_CASE("diagnose placement: many interrupts on one CPU", "[diagnose]") {
  auto host = pinned_host();
  for (int i = 0; i < 8; ++i) {
    add_vector(host, kDevice, "0", 2000);
  }
  const auto findings = findings_of(find_placement, host);
  const auto& finding = require_finding(findings, "cpu-crowded");
  CHECK(finding.title.find("cpu0 takes 16.0k interrupts/s") == 0);
  CHECK(finding.cpus == cpus("0"));
  CHECK(finding.remedy == std::vector<std::string>{"irqtune apply"});
}

TEST_CASE("diagnose placement: what is much on a CPU of small capacity", "[diagnose]") {
  auto host = pinned_host();
  add_vector(host, kDevice, "0", 600);
  add_vector(host, kDevice, "0", 600);
  const auto plain = [&] { return findings_of(find_placement, host); };
  CHECK(ids(plain()).find("cpu-crowded") == std::string::npos);  // 1200/s are not much.
  host.topology.cpus[0].capacity = 256;
  const auto findings = plain();
  const auto& finding = require_finding(findings, "cpu-crowded");
  CHECK(
      finding.title.starts_with("cpu0 takes 1200 interrupts/s sampled, as much as 4800/s on a "
                                "CPU of full capacity, where "));
}

TEST_CASE("diagnose placement: crowded where only --rebalance helps, and where nothing does",
          "[diagnose]") {
  auto host = pinned_host();
  add_vector(host, kDevice, "0", 9000);
  add_vector(host, kDevice, "1", 2000);
  const auto plan = make_plan(host, {});
  const Settings settings;
  DiagnosisInput input{host, plan.protections, plan, settings};
  CHECK(ids(find_placement(input)).empty());
  input.rebalanced_rate = 6000;
  const auto findings = find_placement(input);
  const auto& finding = require_finding(findings, "cpu-crowded");
  CHECK(finding.title ==
        "cpu0 takes 9000 interrupts/s sampled, where 6000/s would do on the busiest CPU");
  CHECK(finding.remedy == std::vector<std::string>{"irqtune apply --rebalance"});
}

TEST_CASE("diagnose placement: counts of before the vectors were moved do not tell", "[diagnose]") {
  auto host = pinned_host();
  for (const auto* const mask : {"0", "1", "8", "9"}) {
    auto& irq = add_vector(host, kDevice, mask, 4000);
    irq.rates = {{0, 4000}};  // Where they all were.
  }
  auto& nic = add_host_irq(host, "eth0-rx-0", "1", 5000);
  nic.rates = {{2, 5000}};  // A vCPU's core, once.
  host.rate_source = RateSource::since_boot;
  CHECK(placement_ids(host).empty());
}

TEST_CASE("diagnose placement: the same interrupts spread out", "[diagnose]") {
  auto host = pinned_host();
  for (const auto* const mask : {"0", "1", "8", "9"}) {
    add_vector(host, kDevice, mask, 4000);
  }
  CHECK(placement_ids(host).empty());
}

TEST_CASE("diagnose placement: a CPU that does little else than interrupts", "[diagnose]") {
  auto host = pinned_host();
  add_vector(host, kDevice, "1", 900);
  const auto [share, severity] =
      GENERATE(table<double, Severity>({{0.81, Severity::warning}, {0.97, Severity::critical}}));
  host.topology.cpus.at(1).irq_busy = share;
  const auto findings = findings_of(find_placement, host);
  const auto& finding = require_finding(findings, "cpu-irq-busy");
  CHECK(finding.severity == severity);
  CHECK(finding.irqs == std::vector{IrqNumber{24}});
  CHECK(has_text(finding.evidence, "vfio-msix[0](0000:3b:00.0)): 900/s"));
}

TEST_CASE("diagnose placement: a busy CPU without a row that explains it", "[diagnose]") {
  auto host = pinned_host();
  host.topology.cpus.at(1).irq_busy = 0.9;
  CHECK(has_text(findings_of(find_placement, host).at(0).remedy, "rps_cpus"));
  host.topology.cpus.at(1).irq_busy = 0.8;
  CHECK(placement_ids(host).empty());
}

TEST_CASE("diagnose placement: delivered outside the mask", "[diagnose]") {
  auto host = pinned_host();
  auto& irq = add_vector(host, kDevice, "0", 500);
  irq.effective = cpus("1");
  CHECK(placement_ids(host) == "effective-outside-mask");
  CHECK(findings_of(find_placement, host).at(0).severity == Severity::warning);
  SECTION("idle, without remapping: the move is pending") {
    host.irqs.at(0).chip = "PCI-MSIX-0000:3b:00.0";
    host.irqs.at(0).rates.clear();
    CHECK(findings_of(find_placement, host).at(0).severity == Severity::info);
  }
  SECTION("idle on a chip that moves at once: not pending, and no vector budget on arm64") {
    host.irqs.at(0).chip = GENERATE("ITS-MSI", "ITS-PCI-MSIX-0000:3b:00.0", "GICv3");
    host.irqs.at(0).rates.clear();
    const auto finding = findings_of(find_placement, host).at(0);
    CHECK(finding.severity == Severity::warning);
    CHECK_FALSE(has_text(finding.remedy, "vector-budget"));
    CHECK(has_text(finding.remedy, "smp_affinity_list"));
  }
  SECTION("no handler: only where the kernel would start it") {
    host.irqs.at(0).actions.clear();
    CHECK(placement_ids(host).empty());
  }
}

TEST_CASE("diagnose placement: vectors about to run out", "[diagnose]") {
  auto host = pinned_host();
  for (int i = 0; i < 159; ++i) {
    add_vector(host, kDevice, "0");
  }
  CHECK(placement_ids(host).empty());
  add_vector(host, kDevice, "0");
  const auto findings = findings_of(find_placement, host);
  CHECK(has_text(require_finding(findings, "vector-budget").evidence,
                 "cpu0: 160 of about 200 vectors taken"));
}

TEST_CASE("diagnose placement: more vectors than fit", "[diagnose]") {
  auto host = make_host({.cores = 4});
  add_device(host, kDevice, NodeId{0});
  add_vm(host, "db1", {"1", "2", "3"}, {kDevice});
  for (int i = 0; i < 230; ++i) {
    add_vector(host, kDevice, "1-3");
  }
  const auto findings = findings_of(find_placement, host);
  CHECK(require_finding(findings, "vector-budget").title ==
        "30 vectors do not fit on the housekeeping CPUs");
}

}  // namespace irqtune
