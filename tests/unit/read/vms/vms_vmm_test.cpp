// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/sources.h"
#include "irqtune/read/vms/vms.h"

#include "support/catch.h"
#include "support/hosts/vm_tree.h"

namespace irqtune::test {

namespace {

VmsRead read(const FakeTree& tree, const std::vector<PciDevice>& devices = {}) {
  return read_vms(tree.sysfs(), sixteen_cpus(), devices);
}

}  // namespace

TEST_CASE("Thread ids that have wrapped are no matter", "[vms]") {
  FakeTree tree;
  SECTION("the main thread is the one with the process' number") {
    add_process(tree, 32000, "qemu-system-x86", {"qemu-system-x86_64", "-name", "a"}, "0-1");
    add_thread(tree, 32000, 301, "CPU 0/KVM", "2");
    add_descriptors(tree, 32000, {"anon_inode:kvm-vm"});
    CHECK(require_vm(read(tree), "a").emulator == CpuSet{0, 1});
  }
  SECTION("threads without names are in the order of their start") {
    add_process(
        tree, 32000, "qemu-system-x86", {"qemu-system-x86_64", "-name", "a", "-smp", "2"}, "0-1");
    add_thread(tree, 32000, 301, "qemu-system-x86", "3", 5, 9001);
    add_thread(tree, 32000, 32767, "qemu-system-x86", "2", 5, 9000);
    add_descriptors(
        tree, 32000, {"anon_inode:kvm-vm", "anon_inode:kvm-vcpu:0", "anon_inode:kvm-vcpu:1"});
    CHECK(pins_text(require_vm(read(tree), "a")) == "0:2! 1:3!");
  }
}

TEST_CASE("Threads without names are told apart by KVM, idle ones too", "[vms]") {
  FakeTree tree;
  add_process(
      tree, 300, "qemu-system-x86", {"qemu-system-x86_64", "-name", "a", "-smp", "3"}, "0-15");
  add_thread(tree, 300, 301, "qemu-system-x86", "0-15");
  add_thread(tree, 300, 302, "qemu-system-x86", "2", 50);
  add_thread(tree, 300, 303, "qemu-system-x86", "3");  // Has not run its guest for a tick yet.
  add_thread(tree, 300, 304, "qemu-system-x86", "4", 7);
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  tree.file("/sys/kernel/debug/kvm/300-11/exits", "0\n");
  tree.file("/sys/kernel/debug/kvm/300-11/vcpu0/pid", "304\n");
  tree.file("/sys/kernel/debug/kvm/300-11/vcpu4/pid", "303\n");  // By APIC id
  tree.file("/sys/kernel/debug/kvm/300-11/vcpu16/pid", "302\n");
  tree.file("/sys/kernel/debug/kvm/300-11/vcpu17/pid", "0\n");  // Has never run.
  const auto result = read(tree);
  CHECK(pins_text(require_vm(result, "a")) == "0:4! 1:3! 2:2!");
  CHECK(result.warnings.empty());
}

TEST_CASE("QEMU in the wrapper of a distribution is QEMU", "[vms]") {
  FakeTree tree;  // NixOS: the file is ".qemu-system-x86_64-wrapped", argv[0] is as it was.
  add_process(tree,
              300,
              ".qemu-system-x8",
              {"/run/libvirt/nix-emulators/qemu-system-x86_64", "-name", "guest=nix"},
              "0-15");
  add_thread(tree, 300, 301, "CPU 0/KVM", "2");
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  CHECK(pins_text(require_vm(read(tree), "nix")) == "0:2!");
}

TEST_CASE("kvmtool's vCPUs are no helpers", "[vms]") {
  FakeTree tree;
  add_process(tree,
              300,
              "lkvm",
              {"lkvm", "run", "--name", "k", "-c", "2", "--vfio-pci", "0000:22:00.0"},
              "0-15");
  add_thread(tree, 300, 301, "kvm-vcpu-0", "2");
  add_thread(tree, 300, 302, "kvm-vcpu-1", "3");
  add_thread(tree, 300, 303, "kvm-nx-lpage-re", "4", 9);
  add_descriptors(tree, 300, {"anon_inode:kvm-vm", "/dev/vfio/35", "anon_inode:[vfio-device]"});
  const auto result = read(tree, {make_device("0000:22:00.0", 35)});
  CHECK(pins_text(require_vm(result, "k")) == "0:2! 1:3!");
  CHECK(devices_text(require_vm(result, "k")) == "0000:22:00.0");
  CHECK(result.warnings.empty());
}

TEST_CASE("A QEMU that is only asked what it can do is no VM, although it opens KVM", "[vms]") {
  FakeTree tree;
  add_process(tree,
              300,
              "qemu-system-x86",
              {"qemu-system-x86_64", "-S", "-nographic", "-machine", "none,accel=kvm:tcg"},
              "0-15");
  add_descriptors(tree, 300, {"/dev/kvm", "anon_inode:kvm-vm"});
  const auto result = read(tree);
  CHECK(result.vms.empty());
  CHECK(result.warnings.empty());
}

TEST_CASE("Sockets that all have one name give the VM that of their directory", "[vms]") {
  const auto name = [](std::string_view socket) {
    std::string text = "cloud-hypervisor";
    text += '\0';
    text += "--api-socket";
    text += '\0';
    text += socket;
    return parse_vmm_command(text).name;
  };
  CHECK(name("/run/ch/web.sock") == "web");
  CHECK(name("path=/run/ch/web.sock,event-monitor=x") == "web");
  CHECK(name("/run/vc/vm/0af3/clh-api.sock") == "0af3");
  CHECK(name("path=/var/lib/vms/db1/api.socket") == "db1");
  CHECK(name("api.sock") == "api");
  CHECK(name("/api.sock") == "api");
}

TEST_CASE("crosvm's devices in either form", "[vms]") {
  using namespace std::string_literals;
  const auto devices = [](const std::string& words) {
    const auto command = parse_vmm_command("crosvm\0run\0--vfio\0"s + words);
    REQUIRE(command.devices.size() == 1);
    return command.devices[0].to_string();
  };
  CHECK(devices("/sys/bus/pci/devices/0000:02:00.0,iommu=viommu") == "0000:02:00.0");
  CHECK(devices("path=/sys/bus/pci/devices/0000:02:00.1,iommu=off") == "0000:02:00.1");
}

}  // namespace irqtune::test
