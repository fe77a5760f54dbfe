// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/diagnosis.h"
#include "support/make_host.h"

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
  CHECK(has_text(findings.at(0).evidence, "web1: 2 of 2 vCPUs not pinned"));

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
  CHECK(finding.remedy == std::vector<std::string>{"virsh edit db1:",
                                                   "<cputune>",
                                                   "  <emulatorpin cpuset='0-1'/>",
                                                   "  <iothreadpin iothread='1' cpuset='0-1'/>",
                                                   "</cputune>",
                                                   "at once: virsh emulatorpin db1 0-1 --live"});
}

TEST_CASE("diagnose VMs: own threads that only might meet a vCPU", "[diagnose]") {
  auto host = two_nodes();
  auto& vm = add_vm(host, "db1", {"2", "3"}, {});
  vm.pid = 4711;
  vm.emulator = cpus("0-7");
  const auto findings = findings_of(find_placement, host);
  CHECK(require_finding(findings, "emulator-on-vcpu").severity == Severity::info);
  CHECK(has_text(findings.at(0).remedy, "taskset -cp 0-1 4711"));
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

}  // namespace irqtune
