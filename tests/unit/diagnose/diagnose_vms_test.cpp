// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/diagnosis.h"
#include "support/hosts/make_host.h"

#include <string>

namespace irqtune {

namespace {

using test::add_device;
using test::add_vector;
using test::add_vm;
using test::cpus;
using test::findings_of;
using test::has_text;
using test::ids;
using test::make_host;
using test::require_finding;

constexpr auto kDevice = "0000:3b:00.0";

/// Two nodes of four cores: CPUs 0-3 and 4-7.
Host two_nodes() {
  return make_host({.nodes = 2, .cores = 4});
}

Vm& vm_named(Host& host, const std::string& name) {
  return *std::ranges::find(host.vms, name, &Vm::name);
}

}  // namespace

TEST_CASE("diagnose VMs: a device whose node nobody knows", "[diagnose]") {
  auto host = two_nodes();
  add_device(host, kDevice, std::nullopt);
  add_vm(host, "db1", {"6", "7"}, {kDevice});
  const auto findings = findings_of(find_placement, host);
  CHECK(ids(findings) == "device-node-unknown");
  CHECK(findings.at(0).remedy.at(0) == "irqtune plan --assume-node 0000:3b:00.0=1");
}

TEST_CASE("diagnose VMs: its node does not matter on one node, nor once it is known",
          "[diagnose]") {
  auto host = make_host({.nodes = 1, .cores = 4});
  add_device(host, kDevice, std::nullopt);
  CHECK(findings_of(find_placement, host).empty());
  auto known = two_nodes();
  add_device(known, kDevice, NodeId{1});
  CHECK(findings_of(find_placement, known).empty());
}

TEST_CASE("diagnose VMs: pinned to another node than the device", "[diagnose]") {
  auto host = two_nodes();
  add_device(host, kDevice, NodeId{0});
  add_vm(host, "db1", {"6", "7"}, {kDevice});
  const auto findings = findings_of(find_placement, host);
  CHECK(ids(findings) == "vm-remote-device");
  CHECK(findings.at(0).title == "db1 runs on node 1, 1 of its devices on node 0");
  CHECK(findings.at(0).vms == std::vector<std::string>{"db1"});
}

TEST_CASE("diagnose VMs: several VMs away from their devices are one finding", "[diagnose]") {
  auto host = two_nodes();
  add_device(host, kDevice, NodeId{0});
  add_device(host, "0000:5e:00.0", NodeId{1});
  add_vm(host, "db1", {"6", "7"}, {kDevice});
  add_vm(host, "db2", {"2"}, {"0000:5e:00.0"});
  const auto findings = findings_of(find_placement, host);
  CHECK(ids(findings) == "vm-remote-device");
  CHECK(findings.at(0).title == "2 VMs run on another node than devices of theirs");
  CHECK(has_text(findings.at(0).evidence,
                 "0000:5e:00.0 of db2 is on node 1; the vCPUs are pinned to 2"));
  CHECK(findings.at(0).devices.size() == 2);
}

TEST_CASE("diagnose VMs: pinned to the device's node, or not running", "[diagnose]") {
  auto host = two_nodes();
  add_device(host, kDevice, NodeId{0});
  add_vm(host, "db1", {"2", "7"}, {kDevice});
  CHECK(findings_of(find_placement, host).empty());
  vm_named(host, "db1").vcpus.at(0).cpus = cpus("6");
  CHECK_FALSE(findings_of(find_placement, host).empty());
  vm_named(host, "db1").state = VmState::defined;
  CHECK(findings_of(find_placement, host).empty());
}

TEST_CASE("diagnose VMs: vCPUs without pins", "[diagnose]") {
  auto host = two_nodes();
  add_device(host, kDevice, NodeId{0});
  add_vm(host, "web1", {"", ""}, {kDevice});
  auto findings = findings_of(find_placement, host);
  CHECK(ids(findings) == "vm-unpinned");
  CHECK(findings.at(0).severity == Severity::info);
  CHECK(has_text(findings.at(0).evidence, "web1: 2 of 2 vCPUs not pinned, 1 device"));
  CHECK(has_text(findings.at(0).remedy,
                 "TID for each vCPU's thread (`irqtune show vms --json`: tid)"));
  vm_named(host, "web1").vcpus.at(0).tid = 101;
  vm_named(host, "web1").vcpus.at(1).tid = 102;
  CHECK(has_text(findings_of(find_placement, host).at(0).remedy,
                 "taskset -cp CPULIST TID for each vCPU's thread (101, 102)"));
  vm_named(host, "web1").sources = {"libvirt", "process"};
  CHECK(has_text(findings_of(find_placement, host).at(0).remedy, "virsh vcpupin web1 VCPU"));
  vm_named(host, "web1").sources = {"process", "proxmox"};
  CHECK(
      findings_of(find_placement, host).at(0).remedy ==
      std::vector<std::string>{"Proxmox, one list for all threads: qm set VMID --affinity CPULIST",
                               "not yet taken: 0-7"});

  add_vm(host, "db1", {"2", "3"}, {});
  findings = findings_of(find_placement, host);
  CHECK(findings.at(0).severity == Severity::warning);
  CHECK(findings.at(0).cpus == cpus("2-3"));

  host.topology.isolated = cpus("2-3");
  CHECK(findings_of(find_placement, host).at(0).severity == Severity::info);
}

TEST_CASE("diagnose VMs: without a device, floating hurts only over others' cores", "[diagnose]") {
  auto host = two_nodes();
  add_vm(host, "web1", {"", ""}, {});
  CHECK(findings_of(find_placement, host).empty());
  add_vm(host, "db1", {"2", "3"}, {});
  CHECK(ids(findings_of(find_placement, host)) == "vm-unpinned");
}

TEST_CASE("diagnose VMs: QEMU's own threads on vCPUs' cores", "[diagnose]") {
  auto host = two_nodes();
  auto& vm = add_vm(host, "db1", {"2", "3"}, {});
  vm.sources = {"libvirt", "process"};
  vm.emulator = cpus("2-3");
  vm.iothreads = {{"1", cpus("2-3")}, {"2", cpus("0")}};
  const auto findings = findings_of(find_placement, host);
  const auto& finding = require_finding(findings, "emulator-on-vcpu");
  CHECK(finding.severity == Severity::warning);
  CHECK(finding.remedy ==
        std::vector<std::string>{
            "in <cputune>, virsh edit db1:",
            "<cputune>",
            "  <emulatorpin cpuset='0-1'/>",
            "  <iothreadpin iothread='1' cpuset='0-1'/>",
            "</cputune>",
            "and at once:",
            "virsh emulatorpin db1 0-1 --live; virsh iothreadpin db1 1 0-1 --live"});
}

TEST_CASE("diagnose VMs: a fragment only for the threads that need it", "[diagnose]") {
  auto host = two_nodes();
  auto& vm = add_vm(host, "db1", {"2", "3"}, {});
  vm.sources = {"libvirt"};
  vm.emulator = cpus("0-1");
  vm.iothreads = {{"2", cpus("3")}};
  const auto remedy = require_finding(findings_of(find_placement, host), "emulator-on-vcpu").remedy;
  CHECK_FALSE(has_text(remedy, "emulatorpin"));
  CHECK(has_text(remedy, "  <iothreadpin iothread='2' cpuset='0-1'/>"));
}

TEST_CASE("diagnose VMs: own threads of many VMs are one finding", "[diagnose]") {
  auto host = make_host({.cores = 16});
  for (int i = 0; i < 6; ++i) {
    auto& vm = add_vm(host, "vm" + std::to_string(i), {std::to_string(4 + i)}, {});
    vm.sources = {"libvirt"};
    vm.emulator = cpus("0-15");
  }
  const auto findings = findings_of(find_placement, host);
  const auto& finding = require_finding(findings, "emulator-on-vcpu");
  CHECK(finding.title == "own threads of 6 VMs (emulator, I/O) may run on cores of vCPUs (4-9)");
  CHECK(finding.vms.size() == 6);
  CHECK(has_text(finding.remedy, "likewise for 2 more"));
  Policy policy;
  policy.vms = {"vm5"};
  CHECK(has_text(findings_of(find_placement, host, {}, policy).at(0).remedy, "virsh edit vm5:"));
}

TEST_CASE("diagnose VMs: a pool's own threads find a place in it", "[diagnose]") {
  auto host = two_nodes();
  auto& vm = add_vm(host, "web", {"4-7", "4-7"}, {});
  vm.emulator = cpus("4-7");
  CHECK(require_finding(findings_of(find_placement, host), "emulator-on-vcpu").severity ==
        Severity::info);
}

TEST_CASE("diagnose VMs: vCPUs that share isolated CPUs pile up", "[diagnose]") {
  auto host = two_nodes();
  auto& vm = add_vm(host, "web", {"4-6", "4-6", "5-6"}, {});
  CHECK(findings_of(find_placement, host).empty());
  const auto command = [&] {
    return require_finding(findings_of(find_placement, host), "vcpu-pool-isolated").remedy.at(1);
  };
  SECTION("at boot, in libvirt") {
    host.topology.isolated = cpus("4-7");
    vm.sources = {"libvirt"};
    CHECK(command() ==
          "for p in 0:4 1:5 2:6; do virsh vcpupin web ${p%:*} ${p#*:} --live --config; done");
  }
  SECTION("by a cpuset partition, without libvirt") {
    host.topology.partitions = {{"/sys/fs/cgroup/vms: isolated", cpus("4-7")}};
    for (auto& vcpu : vm.vcpus) {
      vcpu.tid = 100 + vcpu.id;
    }
    CHECK(command() == "for p in 100:4 101:5 102:6; do taskset -cp ${p#*:} ${p%:*}; done");
  }
  SECTION("more vCPUs than CPUs") {
    host.topology.isolated = cpus("4-7");
    vm.vcpus.at(2).cpus = cpus("4-5");
    vm.vcpus.at(0).cpus = vm.vcpus.at(1).cpus = vm.vcpus.at(2).cpus;
    const auto findings = findings_of(find_placement, host);
    CHECK(require_finding(findings, "vcpu-pool-isolated").remedy.at(0).find("take domain off") ==
          0);
  }
}

TEST_CASE("diagnose VMs: isolated CPUs that no two vCPUs share are meant to be so", "[diagnose]") {
  auto host = two_nodes();
  const auto pins = GENERATE(as<std::vector<std::string>>{},
                             std::vector<std::string>{"4", "5"},
                             std::vector<std::string>{"4-5", "6-7"},
                             std::vector<std::string>{"3-7", "3-7"});  // 3 is not isolated.
  add_vm(host, "web", pins, {});
  host.topology.isolated = cpus("4-7");
  CHECK(findings_of(find_placement, host).empty());
}

TEST_CASE("diagnose VMs: own threads that only might meet a vCPU", "[diagnose]") {
  auto host = two_nodes();
  auto& vm = add_vm(host, "db1", {"2", "3"}, {});
  vm.pid = 4711;
  vm.emulator = cpus("0-7");
  vm.vcpus.at(0).tid = 4715;
  vm.vcpus.at(1).tid = 4716;
  auto findings = findings_of(find_placement, host);
  CHECK(require_finding(findings, "emulator-on-vcpu").severity == Severity::info);
  // By number: cloud-hypervisor's vCPUs are called "vcpu0", old QEMU's like everything else.
  CHECK(findings.at(0).remedy ==
        std::vector<std::string>{"db1, while it runs:",
                                 "for t in 4711; do taskset -cp 0-1 $t; done"});
  vm.pid.reset();  // Nobody knows which threads: no command.
  findings = findings_of(find_placement, host);
  CHECK(findings.at(0).remedy == std::vector<std::string>{"pin the own threads of db1 to 0-1"});
}

TEST_CASE("diagnose VMs: own threads elsewhere, or cores isolated", "[diagnose]") {
  auto host = two_nodes();
  auto& vm = add_vm(host, "db1", {"2", "3"}, {});
  vm.emulator = cpus("0-1");
  CHECK(findings_of(find_placement, host).empty());
  vm.emulator = cpus("0-7");
  host.topology.isolated = cpus("2-3");
  CHECK(findings_of(find_placement, host).empty());
}

TEST_CASE("diagnose VMs: names are quoted for the shell", "[diagnose]") {
  auto host = two_nodes();
  add_device(host, kDevice, NodeId{0});
  add_vm(host, "it's mine", {"2", "3"}, {kDevice});
  add_vector(host, kDevice, "2", 500);
  CHECK(findings_of(find_placement, host).at(0).remedy.at(0) ==
        "irqtune apply --vm 'it'\\''s mine'");
}

TEST_CASE("diagnose VMs: what someone put elsewhere on purpose stays there", "[diagnose]") {
  auto host = two_nodes();
  auto& vm = add_vm(host, "db1", {"2", "3"}, {});
  vm.pid = 900;
  vm.emulator = cpus("0-7");
  vm.iothreads = {{"io0", cpus("6"), 902}};
  vm.threads = {
      {910, "vhost-900", cpus("5")}, {911, "worker", cpus("0-7")}, {912, "_disk0_q0", cpus("2")}};
  const auto findings = findings_of(find_placement, host);
  const auto& finding = require_finding(findings, "emulator-on-vcpu");
  CHECK(has_text(finding.evidence, "db1: _disk0_q0 may run on 2, vCPUs on 2"));
  CHECK(has_text(finding.remedy, "for t in 900 912; do taskset -cp 0-1 $t; done"));
}

TEST_CASE("diagnose VMs: a cpuset without another CPU is its owner's to widen", "[diagnose]") {
  auto host = two_nodes();
  auto& vm = add_vm(host, "rt", {"2", "3"}, {});
  vm.pid = 900;
  vm.emulator = cpus("2-3");
  vm.cpuset = cpus("2-3");
  vm.cgroup = "/kubepods.slice/pod1/cri.scope";
  auto remedy = require_finding(findings_of(find_placement, host), "emulator-on-vcpu").remedy;
  CHECK(has_text(remedy, "isolateEmulatorThread"));
  CHECK_FALSE(has_text(remedy, "taskset"));
  host.vms[0].cgroup = "/machine.slice/rt.scope";
  remedy = require_finding(findings_of(find_placement, host), "emulator-on-vcpu").remedy;
  CHECK(has_text(remedy, "AllowedCPUs="));
}

TEST_CASE("diagnose VMs: several vCPUs bound to one CPU", "[diagnose]") {
  auto host = two_nodes();
  add_vm(host, "a", {"2", "3", "2"}, {});
  add_vm(host, "b", {"3", "4-5"}, {});
  const auto findings = findings_of(find_placement, host);
  const auto& finding = require_finding(findings, "vcpus-share-a-cpu");
  CHECK(finding.cpus == cpus("2-3"));
  CHECK(finding.vms == std::vector<std::string>{"a", "b"});
  CHECK(has_text(finding.evidence, "cpu2: a vCPUs 0,2"));
  CHECK(has_text(finding.evidence, "cpu3: a vCPU 1; b vCPU 0"));
}

TEST_CASE("diagnose VMs: pins to CPUs that are not online", "[diagnose]") {
  auto host = two_nodes();
  auto& vm = add_vm(host, "off", {"2", "3"}, {});
  vm.state = VmState::defined;
  vm.vcpus[1].cpus = cpus("98-99");
  const auto findings = findings_of(find_placement, host);
  CHECK(has_text(require_finding(findings, "vcpu-pin-absent").evidence,
                 "off: vCPU 1 pinned to 98-99"));
}

}  // namespace irqtune
