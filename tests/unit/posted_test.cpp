// SPDX-License-Identifier: Apache-2.0
#include "read/parts.h"
#include "support/catch.h"
#include "support/fake_tree.h"
#include "support/make_host.h"

namespace irqtune::test {

namespace {

constexpr auto kApicv = "/sys/module/kvm_intel/parameters/enable_apicv";
constexpr auto kAvic = "/sys/module/kvm_amd/parameters/avic";
constexpr auto kPosted = "/sys/module/kvm_intel/parameters/enable_device_posted_irqs";

std::optional<Posted> posted(const FakeTree& tree,
                             const std::string& chip = "IR-PCI-MSIX-0000:21:00.0",
                             VectorKind kind = VectorKind::msix) {
  Host host;
  Irq irq;
  irq.chip = chip;
  irq.vector = VectorId{address("0000:21:00.0"), kind, 0};
  host.irqs.push_back(irq);
  read_posted(tree.sysfs(), host);
  return host.irqs[0].posted;
}

}  // namespace

TEST_CASE("posted: unknown where nothing tells", "[read][posted]") {
  CHECK(posted(FakeTree()) == Posted::unknown);
}

TEST_CASE("posted: possible where KVM may, remapped where it may not", "[read][posted]") {
  CHECK(posted(FakeTree{{kApicv, "Y\n"}}) == Posted::possible);
  CHECK(posted(FakeTree{{kApicv, "N\n"}}) == Posted::remapped);
  CHECK(posted(FakeTree{{kAvic, "1\n"}}) == Posted::possible);
  CHECK(posted(FakeTree{{kAvic, "0\n"}}) == Posted::remapped);
}

TEST_CASE("posted: the parameter of 6.16 decides over the others", "[read][posted]") {
  CHECK(posted(FakeTree{{kApicv, "Y\n"}, {kPosted, "N\n"}}) == Posted::remapped);
  CHECK(posted(FakeTree{{kApicv, "Y\n"}, {kPosted, "Y\n"}}) == Posted::possible);
}

TEST_CASE("posted: INTx and chips without remapping are never posted", "[read][posted]") {
  const FakeTree tree{{kApicv, "Y\n"}};
  CHECK(posted(tree, "IR-IO-APIC", VectorKind::intx) == Posted::remapped);
  CHECK(posted(tree, "PCI-MSI-0000:21:00.0") == Posted::remapped);
  CHECK(posted(tree, "PCI-MSI") == Posted::remapped);
}

TEST_CASE("posted: says nothing of the host's own interrupts", "[read][posted]") {
  Host host;
  host.irqs.emplace_back();
  read_posted(FakeTree{{kApicv, "Y\n"}}.sysfs(), host);
  CHECK_FALSE(host.irqs[0].posted);
}

}  // namespace irqtune::test
