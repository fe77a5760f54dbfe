// SPDX-License-Identifier: Apache-2.0
#include "read/interrupts/irqs.h"
#include "support/catch.h"
#include "support/hosts/fake_tree.h"
#include "support/hosts/make_host.h"

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

TEST_CASE("posted: GICv4 where the command line asks for it", "[read][posted]") {
  const auto with = [](const std::string& cmdline) {
    Host host;
    host.id.cmdline = cmdline;
    Irq irq;
    irq.chip = "ITS-PCI-MSIX-0000:21:00.0";
    irq.vector = VectorId{address("0000:21:00.0"), VectorKind::msix, 0};
    host.irqs.push_back(irq);
    read_posted(FakeTree().sysfs(), host);
    return host.irqs[0].posted;
  };
  CHECK(with("quiet kvm-arm.vgic_v4_enable=1") == Posted::possible);
  CHECK(with("kvm-arm.vgic_v4_enable=0") == Posted::remapped);
  CHECK(with("quiet") == Posted::unknown);
}

TEST_CASE("posted: an IOMMU that cannot, and parameters that forbid it", "[read][posted]") {
  constexpr auto kCap0 = "/sys/devices/virtual/iommu/dmar0/intel-iommu/cap";
  constexpr auto kCap1 = "/sys/devices/virtual/iommu/dmar1/intel-iommu/cap";
  constexpr auto kCan = "8d2078c106f0466\n";  // Bit 59
  constexpr auto kCannot = "d2078c106f0466\n";
  CHECK(posted(FakeTree{{kApicv, "Y\n"}, {kCap0, kCan}, {kCap1, kCan}}) == Posted::possible);
  CHECK(posted(FakeTree{{kApicv, "Y\n"}, {kCap0, kCan}, {kCap1, kCannot}}) == Posted::remapped);
  CHECK(posted(FakeTree{{kCap0, kCan}}) == Posted::unknown);
  const auto with = [](const std::string& cmdline, const char* module) {
    const FakeTree tree{{module, "Y\n"}};
    Host host;
    host.id.cmdline = cmdline;
    Irq irq;
    irq.chip = "IR-PCI-MSIX-0000:21:00.0";
    irq.vector = VectorId{address("0000:21:00.0"), VectorKind::msix, 0};
    host.irqs.push_back(irq);
    read_posted(tree.sysfs(), host);
    return host.irqs[0].posted;
  };
  CHECK(with("intremap=nopost", kApicv) == Posted::remapped);
  CHECK(with("intremap=nopost intremap=on", kPosted) == Posted::remapped);
  CHECK(with("amd_iommu_intr=legacy", kAvic) == Posted::remapped);
  CHECK(with("amd_iommu_intr=vapic", kAvic) == Posted::possible);
  CHECK(with("intremap=on", kApicv) == Posted::possible);
}

TEST_CASE("posted: a vector that counts while we look is not posted", "[read][posted]") {
  const FakeTree tree{{kPosted, "Y\n"}};
  Host host;
  for (const double rate : {0.0, 12.0}) {
    Irq irq;
    irq.chip = "IR-PCI-MSIX-0000:21:00.0";
    irq.vector = VectorId{address("0000:21:00.0"), VectorKind::msix, 0};
    irq.rates = {{1, rate}};
    host.irqs.push_back(irq);
  }
  host.rate_source = RateSource::since_boot;
  read_posted(tree.sysfs(), host);
  CHECK(host.irqs[1].posted == Posted::possible);  // It was not always; who knows about now.
  host.rate_source = RateSource::sampled;
  read_posted(tree.sysfs(), host);
  CHECK(host.irqs[0].posted == Posted::possible);
  CHECK(host.irqs[1].posted == Posted::remapped);
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
