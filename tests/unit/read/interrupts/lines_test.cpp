// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/read.h"

#include "read/devices/devices.h"
#include "support/catch.h"
#include "support/hosts/cpu_tree.h"
#include "support/hosts/fake_tree.h"

namespace irqtune::test {

namespace {

/// A configuration space with capabilities of these ids, from 0x40 on.
std::string config(std::initializer_list<unsigned char> ids, std::size_t size = 256) {
  std::string bytes(size, '\0');
  bytes[0] = '\x86';
  bytes[1] = '\x80';
  std::size_t at = 0x40;
  if (ids.size() > 0) {
    bytes[0x06] = '\x10';
    bytes[0x34] = '\x40';
  }
  for (const auto id : ids) {
    if (at + 1 < size) {
      bytes[at] = static_cast<char>(id);
      bytes[at + 1] = static_cast<char>(at + 0x10);
    }
    at += 0x10;
  }
  if (ids.size() > 0 && at - 0x10 + 1 < size) {
    bytes[at - 0x10 + 1] = '\0';
  }
  return bytes;
}

void add_device(FakeTree& tree,
                std::string_view address,
                std::string_view driver,
                std::string_view irq) {
  const auto directory = add_pci(tree, "/pci0000:00", address, "0");
  tree.file(directory + "/irq", std::string(irq) + "\n");
  tree.link(directory + "/driver", "../../../bus/pci/drivers/" + std::string(driver));
  tree.file("/sys/bus/pci/drivers/" + std::string(driver) + "/bind", "");
}

/// IRQ 16 is shared by a guest's device and a host's; 24 by a port's services.
void fill(FakeTree& tree) {
  tree.file("/proc/interrupts",
            "  CPU0 CPU1\n"
            " 16: 5 0 IR-IO-APIC 16-fasteoi i801_smbus, vfio-intx(0000:00:05.0)\n"
            " 17: 5 0 IR-IO-APIC 17-fasteoi ahci\n"
            " 24: 1 0 IR-PCI-MSI-0000:00:01.0 0-edge PCIe PME, aerdrv\n");
  tree.file("/proc/irq/16/spurious", "count 12\nunhandled 3\nlast_unhandled 4294967 ms\n");
  tree.file("/proc/irq/17/spurious", "count 12\nunhandled 4\nlast_unhandled 4294967 ms\n");
  add_device(tree, "0000:00:05.0", "vfio-pci", "16");
  add_device(tree, "0000:00:1f.3", "i801_smbus", "16");
  add_device(tree, "0000:00:1f.2", "ahci", "17");
  add_device(tree, "0000:00:1f.4", "busy", "16");
  tree.file("/sys/devices/pci0000:00/0000:00:1f.4/msi_irqs/24", "msix\n");
  tree.link("/sys/bus/pci/drivers/i801_smbus/module", "../../../../module/i2c_i801");
  tree.file("/sys/module/i2c_i801/initstate", "live\n");
}

Host read(const FakeTree& tree, Detail detail) {
  ReadOptions options;
  options.detail = detail;
  return read_host(tree.sysfs(), options);
}

}  // namespace

TEST_CASE("lines: who is on a shared line, and what nobody took", "[read][lines]") {
  FakeTree tree;
  fill(tree);
  const auto host = read(tree, Detail::devices);
  REQUIRE(host.irqs.size() == 3);
  REQUIRE(host.irqs[0].line);
  REQUIRE(host.irqs[0].line->devices.size() == 1);
  CHECK(host.irqs[0].line->devices[0].address.to_string() == "0000:00:1f.3");
  CHECK(host.irqs[0].line->devices[0].driver == "i801_smbus");
  CHECK(host.irqs[0].line->devices[0].module == "i2c_i801");
  CHECK(host.irqs[0].line->unhandled == 3U);
  CHECK_FALSE(host.irqs[1].line);
  CHECK_FALSE(host.irqs[2].line);
}

TEST_CASE("lines: nothing is read that was not asked for", "[read][lines]") {
  FakeTree tree;
  fill(tree);
  CHECK_FALSE(read(tree, Detail::passthrough).irqs[0].line);
}

TEST_CASE("lines: a tree of one file has lines with nothing known", "[read][lines]") {
  FakeTree tree;
  tree.file("/proc/interrupts", "  CPU0\n 16: 5 IO-APIC 16-fasteoi a, b\n");
  const auto host = read(tree, Detail::devices);
  REQUIRE(host.irqs[0].line);
  CHECK(host.irqs[0].line->devices.empty());
  CHECK_FALSE(host.irqs[0].line->unhandled);
}

TEST_CASE("lines: the best interrupt of a guest's device on INTx", "[read][lines]") {
  FakeTree tree;
  fill(tree);
  tree.file("/sys/devices/pci0000:00/0000:00:05.0/config", config({0x01, 0x05, 0x11}));
  tree.file("/sys/devices/pci0000:00/0000:00:1f.3/config", config({0x05}));
  const auto host = read(tree, Detail::devices);
  CHECK(find_device(host, *PciAddress::parse("0000:00:05.0"))->best_kind == VectorKind::msix);
  CHECK_FALSE(find_device(host, *PciAddress::parse("0000:00:1f.3"))->best_kind);
}

TEST_CASE("lines: configuration space", "[read][lines]") {
  CHECK(parse_config(config({0x01, 0x05, 0x11})) == VectorKind::msix);
  CHECK(parse_config(config({0x05, 0x01})) == VectorKind::msi);
  CHECK(parse_config(config({0x01})) == VectorKind::intx);
  CHECK(parse_config(config({})) == VectorKind::intx);
  CHECK(parse_config(config({}, 64)) == VectorKind::intx);
}

TEST_CASE("lines: configuration space that does not tell", "[read][lines]") {
  CHECK_FALSE(parse_config(""));
  CHECK_FALSE(parse_config(config({0x05}, 64)));
  CHECK_FALSE(parse_config(std::string(256, '\xff')));
  auto circle = config({0x01, 0x01});
  circle[0x51] = '\x40';
  CHECK(parse_config(circle) == VectorKind::intx);
}

}  // namespace irqtune::test
