// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings.h"

#include "support/catch.h"
#include "support/fake_tree.h"

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

}  // namespace irqtune::test
