// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms.h"

#include "support/catch.h"
#include "support/vm_tree.h"

namespace irqtune::test {

TEST_CASE("QEMU's vCPUs are its threads by name, with the CPUs they may run on", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2", "3"}, "0-1");
  add_thread(tree, 300, 310, "IO iothread0", "0");
  add_thread(tree, 300, 311, "IO mon_iothread", "0-1");
  add_thread(tree, 300, 312, "kvm-nx-lpage-re", "2", 9);
  add_thread(tree, 300, 313, "vhost-300", "3");
  add_descriptors(tree, 300, {"/dev/kvm", "anon_inode:kvm-vm", "anon_inode:kvm-vcpu:0"});
  const auto read = read_vms(tree.sysfs(), sixteen_cpus(), {});
  REQUIRE(read.vms.size() == 1);
  const auto& vm = read.vms[0];
  CHECK(vm.name == "vm1");
  CHECK(vm.pid == 300);
  CHECK(vm.sources == std::vector<std::string>{"process"});
  CHECK(pins_text(vm) == "0:2! 1:3!");
  CHECK(vm.vcpus[1].tid == 303);
  CHECK(vm.emulator == CpuSet{0, 1});
  REQUIRE(vm.iothreads.size() == 1);
  CHECK(vm.iothreads[0].id == "iothread0");
  CHECK(vm.iothreads[0].cpus == CpuSet{0});
  CHECK(read.warnings.empty());
}

}  // namespace irqtune::test
