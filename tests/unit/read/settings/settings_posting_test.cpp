// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings/settings.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"

namespace irqtune::test {

TEST_CASE("settings: what KVM's modules say about posting", "[settings][posting]") {
  FakeTree tree;
  tree.file("/sys/module/kvm_amd/parameters/enable_device_posted_irqs", "N\n");
  tree.file("/sys/module/kvm_amd/parameters/avic", "1\n");
  const auto facts = read_settings(tree.sysfs(), Host{}).posting;
  CHECK(facts.device_posted_irqs == false);
  CHECK(facts.avic == true);
  CHECK_FALSE(facts.apicv);
}

TEST_CASE("settings: a parameter that is neither yes nor no stays unknown", "[settings][posting]") {
  FakeTree tree;
  tree.file("/sys/module/kvm_intel/parameters/enable_apicv", "(null)\n");
  const auto facts = read_posting_facts(tree.sysfs());
  CHECK_FALSE(facts.device_posted_irqs);
  CHECK_FALSE(facts.apicv);
  CHECK_FALSE(facts.avic);
}

TEST_CASE("settings: the IOMMUs that can post", "[settings][posting]") {
  FakeTree tree;
  tree.file("/sys/devices/virtual/iommu/ivhd0/amd-iommu/cap", "8000000000000000\n");
  CHECK_FALSE(read_posting_facts(tree.sysfs()).iommu);
  tree.file("/sys/devices/virtual/iommu/dmar0/intel-iommu/cap", "8d2078c106f0466\n");
  CHECK(read_posting_facts(tree.sysfs()).iommu == true);
  tree.file("/sys/devices/virtual/iommu/dmar1/intel-iommu/cap", "d2078c106f0466\n");
  CHECK(read_posting_facts(tree.sysfs()).iommu == false);
}

TEST_CASE("settings: posted MSIs of the kernel's own, where it was asked for them",
          "[settings][posting]") {
  FakeTree tree;
  tree.file("/proc/interrupts", "  CPU0\n NMI: 0 Non-maskable interrupts\n");
  CHECK_FALSE(read_posting_facts(tree.sysfs()).posted_msi);
  tree.file("/proc/cmdline", "quiet intremap=posted_msi\n");
  CHECK(read_posting_facts(tree.sysfs()).posted_msi == false);
  tree.file("/proc/interrupts",
            "  CPU0\n NMI: 0 Non-maskable interrupts\n PMN: 0 Posted MSI notification event\n");
  CHECK(read_posting_facts(tree.sysfs()).posted_msi == true);
  tree.file("/proc/interrupts",
            "  CPU0\n" + std::string(5'000'000, ' ') + "\n NMI: 0 N\n PMN: 0 P\n");
  CHECK(read_posting_facts(tree.sysfs()).posted_msi == true);
  CHECK(tree.sysfs().passed_over().empty());
  tree.file("/proc/interrupts", "  CPU0\n");
  CHECK_FALSE(read_posting_facts(tree.sysfs()).posted_msi);
}

}  // namespace irqtune::test
