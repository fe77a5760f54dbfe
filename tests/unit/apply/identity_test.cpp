// SPDX-License-Identifier: Apache-2.0
#include "apply/identity.h"

#include "irqtune/apply/apply.h"

#include "support/catch.h"
#include "support/hosts/vfio_tree.h"

#include <string>

namespace irqtune {

namespace {

constexpr IrqNumber kIrq{30};

Identity vector(VectorKind kind, std::uint16_t index) {
  Identity identity;
  identity.irq = kIrq;
  identity.vector = VectorId{test::vfio_device(), kind, index};
  return identity;
}

Identity handlers(std::vector<std::string> actions) {
  Identity identity;
  identity.irq = kIrq;
  identity.device = test::vfio_device();
  identity.actions = std::move(actions);
  return identity;
}

}  // namespace

TEST_CASE("identity: device, kind and index all have to agree", "[apply]") {
  const test::VfioTree tree(1);
  CHECK(is_still(tree.sysfs(), vector(VectorKind::msix, 0), kIrq));
  CHECK_FALSE(is_still(tree.sysfs(), vector(VectorKind::msix, 1), kIrq));
  CHECK_FALSE(is_still(tree.sysfs(), vector(VectorKind::msi, 0), kIrq));
  CHECK_FALSE(is_still(tree.sysfs(), vector(VectorKind::intx, 0), kIrq));
  CHECK_FALSE(is_still(tree.sysfs(), vector(VectorKind::msix, 0), IrqNumber{31}));
}

TEST_CASE("identity: the device must list the number", "[apply]") {
  test::VfioTree tree(2);
  std::filesystem::remove(tree.root() / "sys/bus/pci/devices/0000:3b:00.0/msi_irqs/30");
  CHECK_FALSE(is_still(tree.sysfs(), vector(VectorKind::msix, 0), kIrq));
}

TEST_CASE("identity: INTx by its handler, alone or on a shared line", "[apply]") {
  test::VfioTree tree(0);
  tree.file("/sys/bus/pci/devices/0000:3b:00.0/irq", "17\n");
  tree.file("/sys/kernel/irq/17/actions", "eth3,vfio-intx(0000:3b:00.0)\n");
  const auto intx = vector(VectorKind::intx, 0);
  CHECK(is_still(tree.sysfs(), intx, IrqNumber{17}));
  CHECK(locate(tree.sysfs(), intx) == IrqNumber{17});  // 30 it was.
  tree.file("/sys/kernel/irq/17/actions", "eth3\n");
  CHECK_FALSE(locate(tree.sysfs(), intx));
}

TEST_CASE("identity: between two handlers the entry of the device's table tells", "[apply]") {
  test::VfioTree tree(1);
  tree.file("/sys/kernel/irq/30/actions", "\n");
  CHECK(locate(tree.sysfs(), vector(VectorKind::msix, 0)) == kIrq);
  CHECK_FALSE(locate(tree.sysfs(), vector(VectorKind::msix, 1)));

  // A descriptor that never had a handler has no directory: it is new, and its mask the default.
  std::filesystem::remove_all(tree.root() / "proc/irq/30");
  CHECK_FALSE(locate(tree.sysfs(), vector(VectorKind::msix, 0)));
}

TEST_CASE("identity: an idle entry of a device that the host has again is another interrupt",
          "[apply]") {
  test::VfioTree tree(1);
  tree.file("/sys/kernel/irq/30/actions", "\n");
  std::filesystem::remove_all(tree.root() / "sys/bus/pci/devices/0000:3b:00.0/vfio-dev");
  const std::string driver = "/sys/bus/pci/devices/0000:3b:00.0/driver";
  tree.link(driver, "../../../drivers/vfio-pci");
  CHECK(locate(tree.sysfs(), vector(VectorKind::msix, 0)) == kIrq);
  std::filesystem::remove(tree.root() / "sys/bus/pci/devices/0000:3b:00.0/driver");
  tree.link(driver, "../../../drivers/e1000e");
  CHECK_FALSE(locate(tree.sysfs(), vector(VectorKind::msix, 0)));
}

TEST_CASE("identity: without /sys/kernel/irq the directory's names tell", "[apply]") {
  test::FakeTree tree;
  tree.file("/proc/irq/30/vfio-msix[0](0000:3b:00.0)/x", "");
  CHECK(is_still(tree.sysfs(), vector(VectorKind::msix, 0), kIrq));
  CHECK_FALSE(is_still(tree.sysfs(), vector(VectorKind::msix, 1), kIrq));
}

TEST_CASE("identity: or the row in /proc/interrupts", "[apply]") {
  const test::FakeTree tree{{"/proc/interrupts",
                             "       CPU0\n"
                             " 130:   0  IR-PCI-MSI 1-edge  vfio-msix[1](0000:3b:00.0)\n"
                             "  30:   0  IR-PCI-MSI 0-edge  vfio-msix[0](0000:3b:00.0)\n"
                             "  31:   0  IR-IO-APIC 9-fasteoi  PCIe PME, aerdrv\n"}};
  CHECK(is_still(tree.sysfs(), vector(VectorKind::msix, 0), kIrq));
  CHECK_FALSE(is_still(tree.sysfs(), vector(VectorKind::msix, 1), kIrq));
  CHECK(is_still(tree.sysfs(), vector(VectorKind::msix, 1), IrqNumber{130}));
  CHECK(is_still(tree.sysfs(), handlers({"PCIe PME", "aerdrv"}), IrqNumber{31}));
  CHECK_FALSE(is_still(tree.sysfs(), handlers({"PCIe PME", "pciehp"}), IrqNumber{31}));
}

TEST_CASE("identity: a partial tree's table tells the new number", "[apply]") {
  const test::FakeTree tree{{"/proc/interrupts",
                             "       CPU0\n"
                             "  30:   0  IR-PCI-MSI 1-edge  vfio-msix[1](0000:3b:00.0)\n"
                             " 130:   0  IR-PCI-MSI 0-edge  vfio-msix[0](0000:3b:00.0)\n"}};
  CHECK(locate(tree.sysfs(), vector(VectorKind::msix, 0)) == IrqNumber{130});
  CHECK_FALSE(locate(tree.sysfs(), vector(VectorKind::msix, 10)));
}

TEST_CASE("identity: host handlers agree whole, whatever the blanks", "[apply]") {
  test::VfioTree tree(1);
  tree.file("/sys/kernel/irq/30/actions", "PCIe PME,aerdrv\n");
  CHECK(is_still(tree.sysfs(), handlers({"PCIe PME", "aerdrv"}), kIrq));
  CHECK(is_still(tree.sysfs(), handlers({"PCIe PME, aerdrv"}), kIrq));
  CHECK_FALSE(is_still(tree.sysfs(), handlers({"PCIe PME"}), kIrq));
}

TEST_CASE("identity: a renumbered host interrupt is found only if it is the only one", "[apply]") {
  test::VfioTree tree(2);
  tree.remove_irq(30);
  tree.file("/sys/kernel/irq/31/actions", "eth0\n");
  CHECK(locate(tree.sysfs(), handlers({"eth0"})) == IrqNumber{31});
  tree.add_vector(32, 2);
  tree.file("/sys/kernel/irq/32/actions", "eth0\n");
  CHECK_FALSE(locate(tree.sysfs(), handlers({"eth0"})));
}

}  // namespace irqtune
