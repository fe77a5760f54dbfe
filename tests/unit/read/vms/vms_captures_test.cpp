// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/vms.h"

#include "read/cpus/cpus.h"
#include "read/devices/devices.h"
#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/hosts/vm_tree.h"

#include <fmt/format.h>

namespace irqtune::test {

namespace {

Sysfs capture(const std::string& name) {
  return Sysfs(capture_file(name));
}

VmsRead read(const Sysfs& sysfs) {
  std::vector<std::string> warnings;
  return read_vms(sysfs, read_topology(sysfs, warnings), read_pci(sysfs));
}

/// Copies a directory of a capture, so that it can be changed.
void copy(const Sysfs& from, const std::string& path, FakeTree& to) {
  for (const auto& name : from.list(path)) {
    const auto child = fmt::format("{}/{}", path, name);
    if (const auto target = from.link_target(child)) {
      to.link(child, *target);
    } else if (const auto file = from.read_file(child); file.text) {
      to.file(child, *file.text);
    } else {
      copy(from, child, to);
    }
  }
}

}  // namespace

TEST_CASE("The captured hosts have the VMs of their notes", "[vms][captures]") {
  CHECK(read(capture("baseline")).vms.empty());

  const auto sriov = read(capture("igb-sriov"));
  REQUIRE(sriov.vms.size() == 2);
  CHECK(pins_text(require_vm(sriov, "vm1")) == "0:2! 1:3!");
  CHECK(devices_text(require_vm(sriov, "vm1")) == "0000:27:10.0 0000:27:10.2");
  CHECK(pins_text(require_vm(sriov, "vm2")) == "0:10! 1:11!");
  CHECK(devices_text(require_vm(sriov, "vm2")) == "0000:47:10.0");

  const auto unpinned = read(capture("l2-kvm"));
  REQUIRE(unpinned.vms.size() == 1);
  CHECK(pins_text(require_vm(unpinned, "vm1")) == "0:0-15 1:0-15");
  CHECK(devices_text(require_vm(unpinned, "vm1")) == "0000:22:00.0 0000:24:00.0");

  for (const auto* name : {"two-vms", "two-vms-6.12"}) {
    INFO(name);
    const auto four = read(capture(name));
    REQUIRE(four.vms.size() == 4);
    CHECK(pins_text(require_vm(four, "vm1")) == "0:2! 1:3! 2:4! 3:5!");
    CHECK(devices_text(require_vm(four, "vm1")) == "0000:22:00.0 0000:24:00.0");
    CHECK(pins_text(require_vm(four, "vm2")) == "0:10! 1:11!");
    CHECK(devices_text(require_vm(four, "vm2")) == "0000:42:00.0 0000:44:00.0");
    CHECK(pins_text(require_vm(four, "vm3")) == "0:0-15 1:0-15");
    CHECK(devices_text(require_vm(four, "vm3")) == "0000:00:04.0");
    CHECK(pins_text(require_vm(four, "vm4-no-hostdev")) == "0:0-15 1:0-15");
    CHECK(devices_text(require_vm(four, "vm4-no-hostdev")).empty());
    CHECK(four.vfio_users.empty());
    CHECK(four.warnings.empty());
  }
}

TEST_CASE("On a real libvirt host processes and libvirt agree", "[vms][captures]") {
  const auto result = read(capture("libvirt-kvm"));
  REQUIRE(result.vms.size() == 1);
  const auto& vm = result.vms[0];
  CHECK(vm.name == "vm1");
  CHECK(vm.uuid == "7f99253f-773e-4594-a172-67a84cafcc0b");
  CHECK(vm.pid == 352);
  CHECK(vm.sources == std::vector<std::string>{"cgroup", "libvirt", "process"});
  CHECK(pins_text(vm) == "0:2! 1:3!");
  CHECK(vm.emulator == CpuSet{0, 1});
  REQUIRE(vm.iothreads.size() == 1);
  CHECK(vm.iothreads[0].id == "iothread1");
  CHECK(devices_text(vm) == "0000:22:00.0 0000:24:00.0");
  CHECK(result.warnings.empty());
}

TEST_CASE("A tampered copy of its XML gives the warning", "[vms][captures]") {
  const auto host = capture("libvirt-kvm");
  FakeTree tree;
  for (const auto* path : {"/proc/352",
                           "/run/libvirt",
                           "/etc/libvirt",
                           "/sys/kernel/iommu_groups/35",
                           "/sys/kernel/iommu_groups/37"}) {
    copy(host, path, tree);
  }
  CHECK(read_vms(tree.sysfs(), sixteen_cpus(), {}).warnings.empty());
  const std::string path =
      GENERATE(std::string("/run/libvirt/qemu/vm1.xml"), std::string("/etc/libvirt/qemu/vm1.xml"));
  auto text = tree.text(path);
  const std::string pin = "<vcpupin vcpu='1' cpuset='3'/>";
  const auto at = text.find(pin);
  REQUIRE(at != std::string::npos);
  tree.file(path, text.replace(at, pin.size(), "<vcpupin vcpu='1' cpuset='7'/>"));
  const auto result = read_vms(tree.sysfs(), sixteen_cpus(), {});
  CHECK(pins_text(require_vm(result, "vm1")) == "0:2! 1:3!");
  // The definition is what its next start will have.
  const auto told = path.starts_with("/run")
                        ? std::vector<std::string>{"vm1: libvirt pins vCPU 1 to 7, the thread may run "
                                                   "on 3 (" + path + ")"}
                        : std::vector<std::string>{};
  CHECK(result.warnings == told);
}

}  // namespace irqtune::test
