// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/sources.h"
#include "irqtune/read/vms/vms.h"

#include "support/catch.h"
#include "support/hosts/vm_tree.h"

namespace irqtune::test {

namespace {

void add_kvm(FakeTree& tree, int pid, std::string_view vmid, std::string_view cpus) {
  add_process(
      tree, pid, "kvm", {"/usr/bin/kvm", "-id", vmid, "-name", "vm" + std::string(vmid)}, cpus);
  add_thread(tree, pid, pid + 1, "CPU 0/KVM", cpus);
  add_thread(tree, pid, pid + 2, "CPU 1/KVM", cpus);
  tree.file("/run/qemu-server/" + std::string(vmid) + ".pid", std::to_string(pid) + "\n");
}

}  // namespace

TEST_CASE("A Proxmox configuration, up to its snapshots", "[vms]") {
  const auto config = parse_proxmox_config(
      "#affinity: 9\n"
      "affinity: 2-5,8\n"
      "cores: 4\nsockets: 2\nname: web\n"
      "hostpci0: 0000:01:00,pcie=1,x-vga=1\n"
      "hostpci1: host=02:00.0;02:00.1\n"
      "hostpci2: mapping=nic,pcie=1\n"
      "hostpci3: 0000:03:00.0,mdev=nvidia-63\n"
      "hostpci4: nonsense\n"
      "smbios1: uuid=11111111-2222-3333-4444-555555555555,base64=1\n"
      "\n[before-upgrade]\naffinity: 0\nname: old\nhostpci0: 09:00.0\n");
  CHECK(config.name == "web");
  CHECK(config.uuid == "11111111-2222-3333-4444-555555555555");
  CHECK(config.vcpus == 8);
  CHECK(config.affinity == CpuSet{2, 3, 4, 5, 8});
  CHECK(config.devices == std::vector<ProxmoxAddress>{
                              {{0, 1, 0, 0}, true}, {{0, 2, 0, 0}, false}, {{0, 2, 0, 1}, false}});
  CHECK(config.mappings == std::vector<std::string>{"nic"});
  CHECK(config.warnings == std::vector<std::string>{"'nonsense' is not a PCI address"});
  CHECK(parse_proxmox_config("vcpus: 3\ncores: 8\n").vcpus == 3);
  CHECK(parse_proxmox_config("affinity: 5-1\n").warnings.size() == 1);
  CHECK(parse_proxmox_config("template: 1\r\n").is_template);
}

TEST_CASE("What Proxmox hands to QEMU as it is passes devices through too", "[vms]") {
  const auto config = parse_proxmox_config(
      "args: -cpu 'host,hv_vendor_id=a b' -device \"vfio-pci,host=05:00.1,id=x\"  -device "
      "vfio-pci,host=0000:04:00.0\nhostpci0: 06:00\n");
  CHECK(config.devices == std::vector<ProxmoxAddress>{
                              {{0, 4, 0, 0}, false}, {{0, 5, 0, 1}, false}, {{0, 6, 0, 0}, true}});
  CHECK(parse_proxmox_config("args: -device 'vfio-pci,host=05:00.1").devices.size() == 1);
  CHECK(parse_proxmox_config("args:\nargs: '\nargs: -device\n").devices.empty());
}

TEST_CASE("A node of a cluster is called by the first part of its host name", "[vms]") {
  const FakeTree tree{
      {"/etc/pve/qemu-server/102.conf", "name: web\nhostpci0: mapping=nic\n"},
      {"/etc/pve/nodes/other/qemu-server/200.conf", "name: elsewhere\naffinity: 2\n"},
      {"/etc/pve/mapping/pci.cfg",
       "nic\n\tmap node=other,path=0000:09:00.0\n\tmap node=pve1,path=0000:24:00.0\n"},
      {"/proc/sys/kernel/hostname", "pve1.example.org\n"}};
  const auto read = read_vms(tree.sysfs(), sixteen_cpus(), {});
  REQUIRE(read.vms.size() == 1);
  CHECK(devices_text(require_vm(read, "web")) == "0000:24:00.0");
}

TEST_CASE("One Proxmox VM with affinity, two with hostpci", "[vms]") {
  FakeTree tree{
      {"/etc/pve/qemu-server/100.conf", "name: vm100\ncores: 2\naffinity: 2-5\n"},
      {"/etc/pve/qemu-server/101.conf", "name: vm101\ncores: 2\nhostpci0: 0000:22:00,pcie=1\n"},
      {"/etc/pve/qemu-server/102.conf", "name: vm102\ncores: 1\nhostpci0: mapping=nic\n"},
      {"/etc/pve/qemu-server/900.conf", "name: golden\ntemplate: 1\naffinity: 7\n"},
      {"/etc/pve/mapping/pci.cfg",
       "nic\n\tdescription two hosts\n\tmap "
       "id=8086:10d3,iommugroup=5,node=other,path=0000:09:00.0\n"
       "\tmap id=8086:10d3,node=pve1,path=0000:24:00.0,subsystem-id=8086:0000\n"},
      {"/proc/sys/kernel/hostname", "pve1\n"}};
  const std::vector<PciDevice> devices = {make_device("0000:22:00.0", 35),
                                          make_device("0000:22:00.1", 35)};
  add_kvm(tree, 300, "100", "2-5");
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  add_kvm(tree, 400, "101", "0-15");
  add_descriptors(
      tree, 400, {"/dev/vfio/35", "anon_inode:[vfio-device]", "anon_inode:[vfio-device]"});
  const auto read = read_vms(tree.sysfs(), sixteen_cpus(), devices);
  REQUIRE(read.vms.size() == 3);
  const auto& pool = require_vm(read, "vm100");
  CHECK(pool.sources == std::vector<std::string>{"process", "proxmox"});
  CHECK(pins_text(pool) == "0:2-5* 1:2-5*");
  const auto& passed = require_vm(read, "vm101");
  CHECK(pins_text(passed) == "0:0-15 1:0-15");
  CHECK(devices_text(passed) == "0000:22:00.0 0000:22:00.1");
  const auto& stopped = require_vm(read, "vm102");
  CHECK(stopped.state == VmState::defined);
  CHECK_FALSE(stopped.pid);
  CHECK(devices_text(stopped) == "0000:24:00.0");
  CHECK(read.warnings.empty());
}

TEST_CASE("An affinity that was changed while the VM runs is a difference", "[vms]") {
  FakeTree tree{{"/etc/pve/qemu-server/100.conf", "cores: 2\naffinity: 2-5\n"}};
  add_kvm(tree, 300, "100", "0-15");
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  const auto read = read_vms(tree.sysfs(), sixteen_cpus(), {});
  CHECK(pins_text(require_vm(read, "vm100")) == "0:0-15 1:0-15");
  CHECK(warns(read, "vm100: proxmox pins vCPUs 0-1 to 2-5, the threads may run on 0-15"));
}

TEST_CASE("vCPUs that a hook pins within the affinity are no difference", "[vms]") {
  FakeTree tree{{"/etc/pve/qemu-server/100.conf", "name: web\ncores: 2\naffinity: 2-5\n"}};
  add_process(tree, 300, "kvm", {"/usr/bin/kvm", "-id", "100", "-name", "web"}, "2-5");
  add_thread(tree, 300, 301, "CPU 0/KVM", "2");
  add_thread(tree, 300, 302, "CPU 1/KVM", "3");
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  const auto read = read_vms(tree.sysfs(), sixteen_cpus(), {});
  CHECK(pins_text(require_vm(read, "web")) == "0:2! 1:3!");
  CHECK(read.warnings.empty());
}

TEST_CASE("A pid file that was left behind makes no VM run", "[vms]") {
  FakeTree tree{{"/etc/pve/qemu-server/100.conf", "name: a\n"},
                {"/etc/pve/qemu-server/101.conf", "name: b\n"},
                {"/run/qemu-server/101.pid", "300\n"},
                {"/proc/500/comm", "bash\n"},
                {"/run/qemu-server/102.pid", "500\n"},
                {"/etc/pve/qemu-server/102.conf", "name: c\n"}};
  add_kvm(tree, 300, "100", "2");
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  const auto read = read_vms(tree.sysfs(), sixteen_cpus(), {});
  CHECK(require_vm(read, "vm100").pid == 300);
  CHECK(require_vm(read, "b").state == VmState::defined);
  CHECK(require_vm(read, "c").state == VmState::defined);
}

}  // namespace irqtune::test
