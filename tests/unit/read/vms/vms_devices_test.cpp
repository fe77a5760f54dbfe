// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/vms.h"

#include "support/catch.h"
#include "support/hosts/vm_tree.h"

namespace irqtune::test {

namespace {

VmsRead read(const FakeTree& tree, const std::vector<PciDevice>& devices = {}) {
  return read_vms(tree.sysfs(), sixteen_cpus(), devices);
}

}  // namespace

TEST_CASE("Devices are those of the IOMMU groups that a VM holds", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2"});
  auto bridge = make_device("0000:20:01.0", 35);
  bridge.class_code = 0x060400;
  const std::vector<PciDevice> devices = {bridge,
                                          make_device("0000:22:00.0", 35),
                                          make_device("0000:22:00.1", 35, false),
                                          make_device("0000:24:00.0", 37)};
  for (const auto* name : {"0000:20:01.0", "0000:22:00.0", "0000:22:00.1"}) {
    tree.file(std::string("/sys/kernel/iommu_groups/35/devices/") + name, "");
  }
  add_descriptors(
      tree,
      300,
      {"anon_inode:kvm-vm", "/dev/vfio/vfio", "/dev/vfio/35", "anon_inode:[vfio-device]"});
  const auto result = read(tree, devices);
  CHECK(devices_text(require_vm(result, "vm1")) == "0000:22:00.0");
}

TEST_CASE("libvirt says a node of vDPA and no address: nothing is missing", "[vms]") {
  const auto device =
      GENERATE(as<std::string>{},
               "<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>",
               "<disk type='vhostvdpa'><source dev='/dev/vhost-vdpa-0'/></disk>");
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2"});
  tree.file("/run/libvirt/qemu/vm1.xml",
            "<domstatus state='running' pid='300'><domain><name>vm1</name><vcpu>1</vcpu><devices>" +
                device + "</devices></domain></domstatus>");
  tree.link("/sys/class/vhost-vdpa/vhost-vdpa-0",
            "../../devices/pci0000:00/0000:27:00.0/vdpa0/vhost-vdpa-0");
  tree.file("/sys/devices/pci0000:00/0000:27:00.0/vdpa0/vhost-vdpa-0/dev", "");
  add_descriptors(tree, 300, {"anon_inode:kvm-vm", "/dev/vhost-vdpa-0"});
  const auto result = read(tree, {make_device("0000:27:00.0", 40, false)});
  CHECK(devices_text(require_vm(result, "vm1")) == "0000:27:00.0");
  CHECK_FALSE(warns(result, "does not list it"));
}

TEST_CASE("A device of the group that the VM did not open is not the VM's", "[vms]") {
  FakeTree tree;
  const std::vector<PciDevice> devices = {make_device("0000:22:00.0", 35),
                                          make_device("0000:22:00.1", 35)};
  add_process(tree,
              300,
              "qemu-system-x86",
              {"qemu-system-x86_64", "-name", "vm1", "-device", "vfio-pci,host=22:00.1,id=h"},
              "0-15");
  add_thread(tree, 300, 301, "CPU 0/KVM", "2");
  SECTION("by the command line") {
    add_descriptors(tree, 300, {"/dev/vfio/35", "anon_inode:[vfio-device]"});
    CHECK(devices_text(require_vm(read(tree, devices), "vm1")) == "0000:22:00.1");
  }
  SECTION("but all of them are if it has opened as many") {
    add_descriptors(
        tree, 300, {"/dev/vfio/35", "anon_inode:[vfio-device]", "anon_inode:[vfio-device]"});
    CHECK(devices_text(require_vm(read(tree, devices), "vm1")) == "0000:22:00.0 0000:22:00.1");
  }
  SECTION("by fdinfo, whatever the command line says") {
    add_descriptors(tree, 300, {"/dev/vfio/35", "anon_inode:[vfio-device]"});
    tree.file("/proc/300/fdinfo/1",
              "pos:\t0\nvfio-device-syspath: /sys/devices/pci0000:20/0000:20:01.0/0000:22:00.0\n");
    const auto result = read(tree, devices);
    CHECK(devices_text(require_vm(result, "vm1")) == "0000:22:00.0");
    CHECK(warns(result, "vm1: its command line names 0000:22:00.1, but process 300 does not"));
  }
  SECTION("by fdinfo, although another device of it is mediated") {
    add_descriptors(
        tree, 300, {"/dev/vfio/35", "anon_inode:[vfio-device]", "anon_inode:[vfio-device]"});
    tree.file("/proc/300/fdinfo/1",
              "vfio-device-syspath: /sys/devices/pci0000:20/0000:20:01.0/0000:22:00.1\n");
    tree.file("/proc/300/fdinfo/2",
              "vfio-device-syspath: /sys/devices/pci0000:20/0000:20:02.0/0000:23:00.0/"
              "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\n");
    CHECK(devices_text(require_vm(read(tree, devices), "vm1")) == "0000:22:00.1");
  }
}

TEST_CASE("A device that was unplugged since the start is no contradiction", "[vms]") {
  FakeTree tree;
  add_process(tree,
              300,
              "qemu-system-x86",
              {"qemu-system-x86_64", "-name", "vm1", "-device", "vfio-pci,host=22:00.1,id=h"},
              "0-15");
  add_thread(tree, 300, 301, "CPU 0/KVM", "2");
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  CHECK(warns(read(tree), "vm1: its command line names 0000:22:00.1"));
  tree.file("/run/libvirt/qemu/vm1.xml",
            "<domstatus state='running' pid='300'><domain><name>vm1</name><vcpu>1</vcpu></domain>"
            "</domstatus>");
  const auto result = read(tree);
  CHECK(require_vm(result, "vm1").devices.empty());
  CHECK(result.warnings.empty());
}

TEST_CASE("One device of a group that was plugged in later is not all of them", "[vms]") {
  FakeTree tree;
  const std::vector<PciDevice> devices = {make_device("0000:22:00.0", 35),
                                          make_device("0000:22:00.1", 35)};
  add_qemu(tree, 300, "vm1", {"2"});
  SECTION("nobody has enabled the other") {
    add_descriptors(tree, 300, {"/dev/vfio/35", "anon_inode:[vfio-device]"});
    tree.file("/sys/bus/pci/devices/0000:22:00.0/enable", "0\n");
    tree.file("/sys/bus/pci/devices/0000:22:00.1/enable", "1\n");
  }
  SECTION("libvirt says which") {
    add_descriptors(tree, 300, {"/dev/vfio/35", "anon_inode:[vfio-device]"});
    tree.file("/run/libvirt/qemu/vm1.xml",
              "<domstatus state='running' pid='300'><domain><name>vm1</name><vcpu>1</vcpu><devices>"
              "<hostdev type='pci'><source><address bus='0x22' function='1'/></source></hostdev>"
              "</devices></domain></domstatus>");
  }
  SECTION("Proxmox says which") {
    add_descriptors(tree, 300, {"/dev/vfio/35", "anon_inode:[vfio-device]"});
    tree.file("/etc/pve/qemu-server/100.conf", "name: vm1\nhostpci0: 22:00.1\n");
    tree.file("/run/qemu-server/100.pid", "300\n");
  }
  SECTION("the other descriptor is of a mediated device") {
    add_descriptors(
        tree,
        300,
        {"/dev/vfio/35", "/dev/vfio/40", "anon_inode:[vfio-device]", "anon_inode:[vfio-device]"});
    tree.file("/sys/kernel/iommu_groups/40/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "");
    tree.file("/run/libvirt/qemu/vm1.xml",
              "<domstatus state='running' pid='300'><domain><name>vm1</name><vcpu>1</vcpu><devices>"
              "<hostdev type='pci'><source><address bus='0x22' function='1'/></source></hostdev>"
              "</devices></domain></domstatus>");
  }
  const auto result = read(tree, devices);
  CHECK(devices_text(require_vm(result, "vm1")) == "0000:22:00.1");
  CHECK(result.warnings.empty());
}

TEST_CASE("Devices by device node, as iommufd has them", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2"});
  add_descriptors(tree, 300, {"/dev/iommu", "/dev/vfio/devices/vfio3", "/dev/vfio/devices/vfio4"});
  tree.link("/sys/class/vfio-dev/vfio3/device", "../../../0000:22:00.0");
  tree.file("/proc/300/fdinfo/2", "vfio-device-syspath: /sys/devices/pci10000:e0/10000:e1:00.0\n");
  const auto result = read(tree);
  CHECK(devices_text(require_vm(result, "vm1")) == "0000:22:00.0 10000:e1:00.0");
}

}  // namespace irqtune::test
