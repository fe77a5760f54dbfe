// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/sources.h"
#include "irqtune/read/vms/vms.h"

#include "support/catch.h"
#include "support/hosts/vm_tree.h"

#include <fmt/format.h>

namespace irqtune::test {

namespace {

VmsRead read(const FakeTree& tree, const VmTrust& trust = {}) {
  return read_vms(
      tree.sysfs(), sixteen_cpus(), {make_device("0000:22:00.0", 35)}, std::nullopt, trust);
}

/// A process of user 1000 that is called as QEMU is.
void add_users_qemu(FakeTree& tree, int pid) {
  add_qemu(tree, pid, "fake", {"2", "3"});
  tree.file(fmt::format("/proc/{}/status", pid),
            "Name:\tqemu-system-x86\nUid:\t1000\t1000\t0\t0\n");
  tree.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nmallory:x:1000:1000::/:/bin/sh\n");
}

}  // namespace

TEST_CASE("A user's VM is shown, and protects nothing", "[vms]") {
  FakeTree tree;
  add_users_qemu(tree, 900);
  add_descriptors(tree, 900, {"/dev/kvm", "anon_inode:kvm-vm", "anon_inode:kvm-vcpu:0"});
  const auto result = read(tree);
  const auto& vm = require_vm(result, "fake");
  CHECK(vm.unvouched);
  CHECK_FALSE(vm.protects);
  CHECK(vm.uid == 1000U);
  CHECK(pins_text(vm) == "0:2* 1:3*");
  CHECK(warns(result, "mallory made VMs that nobody vouches for (fake; vCPUs on 2-3)"));
}

TEST_CASE("It does not make another VM's cores a pool", "[vms]") {
  FakeTree tree;
  add_users_qemu(tree, 900);
  add_qemu(tree, 950, "db", {"2", "3"});
  CHECK(pins_text(require_vm(read(tree), "db")) == "0:2! 1:3!");
}

TEST_CASE("Who is vouched for: by a device, a manager's file, an option", "[vms]") {
  FakeTree tree;
  add_users_qemu(tree, 900);
  CHECK_FALSE(require_vm(read(tree, {true, {}}), "fake").unvouched);
  CHECK_FALSE(require_vm(read(tree, {false, {"mallory"}}), "fake").unvouched);
  CHECK_FALSE(require_vm(read(tree, {false, {"1000"}}), "fake").unvouched);
  CHECK(require_vm(read(tree, {false, {"alice"}}), "fake").unvouched);
  SECTION("a device") {
    add_descriptors(tree, 900, {"anon_inode:kvm-vm", "/dev/vfio/35", "anon_inode:[vfio-device]"});
    CHECK_FALSE(require_vm(read(tree), "fake").unvouched);
  }
  SECTION("a cgroup that is no user's session: a tree does not tell whose it is") {
    tree.file("/proc/900/cgroup", "0::/machine.slice/machine-qemu\\x2d1.scope/libvirt/emulator\n");
    CHECK_FALSE(require_vm(read(tree), "fake").unvouched);
    tree.file("/proc/900/cgroup", "9:cpuset:/\n1:name=systemd:/system.slice/vm.service\n0::/\n");
    CHECK_FALSE(require_vm(read(tree), "fake").unvouched);
    tree.file("/proc/900/cgroup", "9:cpuset:/machine\n0::/user.slice/user-1000.slice/a.scope\n");
    CHECK(require_vm(read(tree), "fake").unvouched);
    tree.file("/proc/900/cgroup",
              "1:name=systemd:/user.slice/user-1000.slice/a.scope\n0::/system.slice/a\n");
    CHECK(require_vm(read(tree), "fake").unvouched);
    tree.file("/proc/900/cgroup", "0::/\n9:cpuset:/machine\n");
    CHECK(require_vm(read(tree), "fake").unvouched);
  }
  SECTION("libvirt's status file") {
    tree.file("/run/libvirt/qemu/fake.xml",
              "<domstatus state='running' pid='900'><domain type='kvm'><name>fake</name>"
              "<vcpu>2</vcpu></domain></domstatus>");
    CHECK_FALSE(require_vm(read(tree), "fake").unvouched);
  }
}

TEST_CASE("Where nobody says whose a VM is, it is believed, and one warning says so", "[vms]") {
  FakeTree tree;
  for (const int pid : {900, 950}) {
    add_qemu(tree, pid, fmt::format("vm{}", pid), {"2"});
    tree.file(fmt::format("/proc/{}/status", pid), "Name:\tqemu\n");
  }
  const auto result = read(tree);
  CHECK(require_vm(result, "vm900").protects);
  CHECK(std::ranges::count_if(result.warnings, [](const std::string& line) {
          return line.find("no Uid:") != std::string::npos;
        }) == 1);
}

TEST_CASE("A VM of unknown name is one by what it holds", "[vms]") {
  FakeTree tree;
  add_process(tree, 900, "containerd-shim", {"/usr/bin/containerd-shim-cube", "-id", "x"}, "0-15");
  add_thread(tree, 900, 901, "http-server", "0-15");
  add_thread(tree, 900, 920, "vcpu0", "4", 5);
  add_thread(tree, 900, 921, "vcpu1", "5", 5);
  add_descriptors(
      tree, 900, {"anon_inode:kvm-vm", "anon_inode:kvm-vcpu:0", "anon_inode:kvm-vcpu:1"});
  CHECK(pins_text(read(tree).vms.at(0)) == "0:4! 1:5!");
}

TEST_CASE("QEMU that calls its process otherwise is found", "[vms]") {
  FakeTree tree;
  add_process(tree, 95, "qq", {"/usr/bin/qemu-system-x86_64", "-name", "x,process=qq"}, "0-1");
  add_thread(tree, 95, 97, "CPU 0/KVM", "2", 9);
  CHECK(pins_text(require_vm(read(tree), "x")) == "0:2!");
}

TEST_CASE("vCPUs that no name tells are placed by their order, and said to be so", "[vms]") {
  FakeTree tree;
  add_process(
      tree, 95, "qemu-system-x86", {"qemu-system-x86_64", "-name", "w", "-smp", "4"}, "0-1");
  add_thread(tree, 95, 96, "qemu-system-x86", "0-1", 0, 30);
  for (int i = 0; i < 4; ++i) {
    add_thread(
        tree, 95, 97 + i, "qemu-system-x86", fmt::format("{}", 2 + i), i == 1 ? 2 : 0, 31 + i);
  }
  const auto result = read(tree);
  CHECK(pins_text(require_vm(result, "w")) == "0:2! 1:3! 2:4! 3:5!");
  CHECK(require_vm(result, "w").unsure_vcpus == CpuSet{0, 2, 3});
  CHECK(warns(result, "w: which thread runs vCPUs 0,2-3 is not certain"));
}

TEST_CASE("All other threads of a VM, and the kernel's for it", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 900, "a", {"2"});
  add_thread(tree, 900, 940, "vhost-900", "9");
  add_process(tree, 77, "vhost-900", {}, "10");
  const auto result = read(tree);
  const auto& threads = require_vm(result, "a").threads;
  REQUIRE(threads.size() == 3);  // With call_rcu
  CHECK(threads[1].name == "vhost-900");
  CHECK(threads[1].cpus == CpuSet{9});
  CHECK(threads[2].tid == 77);
  CHECK(threads[2].cpus == CpuSet{10});
}

}  // namespace irqtune::test
