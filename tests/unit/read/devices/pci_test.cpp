// SPDX-License-Identifier: Apache-2.0
#include "read/devices/devices.h"
#include "read/interrupts/irqs.h"
#include "support/catch.h"
#include "support/hosts/cpu_tree.h"

#include <sys/stat.h>

namespace irqtune::test {

namespace {

const PciDevice& device(const std::vector<PciDevice>& devices, const std::string& text) {
  const auto found = std::ranges::find(devices, PciAddress::parse(text), &PciDevice::address);
  INFO(text);
  REQUIRE(found != devices.end());
  return *found;
}

constexpr auto kParents = "/pci0000:20/0000:20:00.0";

}  // namespace

TEST_CASE("pci: what sysfs says of a device", "[read][pci]") {
  FakeTree tree;
  const auto dir = add_pci(tree, kParents, "0000:21:00.0", "1");
  tree.link(dir + "/driver", "../../../../bus/pci/drivers/e1000e");
  tree.link(dir + "/iommu_group", "../../../../kernel/iommu_groups/35");
  const auto devices = read_pci(tree.sysfs());
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].address == PciAddress{0, 0x21, 0, 0});
  CHECK(devices[0].class_code == 0x020000);
  CHECK(devices[0].vendor == 0x8086);
  CHECK(devices[0].device == 0x10d3);
  CHECK(devices[0].driver == "e1000e");
  CHECK(devices[0].iommu_group == 35);
  CHECK(devices[0].node == NodeId{1});
  CHECK(devices[0].node_source == NodeSource::numa_node);
  CHECK_FALSE(devices[0].passthrough);
  CHECK_FALSE(devices[0].physfn);
}

TEST_CASE("pci: who is passed through", "[read][pci]") {
  FakeTree tree;
  tree.link(add_pci(tree, "/pci0000:00", "0000:00:01.0", "0") + "/driver",
            "../../../bus/pci/drivers/vfio-pci");
  tree.link(add_pci(tree, "/pci0000:00", "0000:00:02.0", "0") + "/driver",
            "../../../bus/pci/drivers/mlx5_vfio_pci");
  const auto variant = add_pci(tree, "/pci0000:00", "0000:00:03.0", "0");
  tree.link(variant + "/driver", "../../../bus/pci/drivers/vendor_variant");
  tree.file(variant + "/vfio-dev/vfio0/dev", "510:0\n");
  add_pci(tree, "/pci0000:00", "0000:00:04.0", "0");
  const auto devices = read_pci(tree.sysfs());
  CHECK(device(devices, "0000:00:01.0").passthrough);
  CHECK(device(devices, "0000:00:02.0").passthrough);
  CHECK(device(devices, "0000:00:03.0").passthrough);
  CHECK_FALSE(device(devices, "0000:00:04.0").passthrough);
  CHECK(device(devices, "0000:00:04.0").driver.empty());
}

TEST_CASE("pci: without a node of its own, the nearest bridge's, else unknown", "[read][pci]") {
  FakeTree tree;
  add_pci(tree, "/pci0000:40", "0000:40:00.0", "1");
  add_pci(tree, "/pci0000:40/0000:40:00.0", "0000:41:00.0", "-1");
  add_pci(tree, "/pci0000:40/0000:40:00.0/0000:41:00.0", "0000:42:00.0", "-1");
  add_pci(tree, "/pci0000:00", "0000:00:04.0", "-1");
  add_pci(tree, "/pci0000:00", "0000:00:05.0", "nonsense");
  const auto devices = read_pci(tree.sysfs());
  CHECK(device(devices, "0000:42:00.0").node == NodeId{1});
  CHECK(device(devices, "0000:42:00.0").node_source == NodeSource::parent);
  CHECK(device(devices, "0000:40:00.0").node_source == NodeSource::numa_node);
  for (const auto* name : {"0000:00:04.0", "0000:00:05.0"}) {
    CHECK_FALSE(device(devices, name).node);
    CHECK(device(devices, name).node_source == NodeSource::unknown);
  }
}

TEST_CASE("pci: a device directory that is no link has no bridge above it", "[read][pci]") {
  const FakeTree tree{{"/sys/bus/pci/devices/0000:21:00.0/numa_node", "-1\n"}};
  const auto devices = read_pci(tree.sysfs());
  REQUIRE(devices.size() == 1);
  CHECK_FALSE(devices[0].node);
  CHECK_FALSE(devices[0].class_code);
}

TEST_CASE("pci: a domain of five digits, behind VMD", "[read][pci]") {
  FakeTree tree;
  const auto dir =
      add_pci(tree, "/pci0000:e0/0000:e0:05.5/pci10000:e0/10000:e0:02.0", "10000:e1:00.0", "-1");
  tree.file("/sys/devices/pci0000:e0/0000:e0:05.5/pci10000:e0/10000:e0:02.0/numa_node", "1\n");
  tree.file(dir + "/msi_irqs/91", "msix\n");
  const auto devices = read_pci(tree.sysfs());
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].address == PciAddress{0x10000, 0xe1, 0, 0});
  CHECK(devices[0].address.to_string() == "10000:e1:00.0");
  CHECK(devices[0].node == NodeId{1});
  CHECK(read_msi_irqs(tree.sysfs(), devices[0].address).size() == 1);
}

TEST_CASE("pci: VMD's own node where its domain's bridges have none", "[read][pci]") {
  FakeTree tree;
  add_pci(tree, "/pci0000:e0", "0000:e0:05.5", "1");
  add_pci(tree, "/pci0000:e0/0000:e0:05.5/pci10000:e0/10000:e0:02.0", "10000:e1:00.0", "-1");
  const auto devices = read_pci(tree.sysfs());
  CHECK(device(devices, "10000:e1:00.0").node == NodeId{1});
  CHECK(device(devices, "10000:e1:00.0").node_source == NodeSource::parent);
}

TEST_CASE("pci: a virtual function knows its physical one", "[read][pci]") {
  FakeTree tree;
  add_pci(tree, kParents, "0000:21:00.0", "0");
  tree.link(add_pci(tree, kParents, "0000:21:10.1", "0") + "/physfn", "../0000:21:00.0");
  const auto devices = read_pci(tree.sysfs());
  CHECK(device(devices, "0000:21:10.1").physfn == PciAddress{0, 0x21, 0, 0});
}

TEST_CASE("pci: devices are in order of address; other names are no devices", "[read][pci]") {
  FakeTree tree;
  for (const auto* name : {"10000:01:00.0", "0000:ff:00.0", "0001:00:00.0", "0000:0a:1f.7"}) {
    add_pci(tree, "/pci0000:00", name, "0");
  }
  tree.file("/sys/bus/pci/devices/README/text", "");
  std::string order;
  for (const auto& one : read_pci(tree.sysfs())) {
    order += one.address.to_string() + ' ';
  }
  CHECK(order == "0000:0a:1f.7 0000:ff:00.0 0001:00:00.0 10000:01:00.0 ");
}

TEST_CASE("pci: msi_irqs of new kernels and of 3.2 to 3.13", "[read][pci]") {
  FakeTree tree;
  auto dir = add_pci(tree, kParents, "0000:21:00.0", "0");
  tree.file(dir + "/msi_irqs/40", "msix\n");
  tree.file(dir + "/msi_irqs/41", "msix\n");
  tree.file(dir + "/msi_irqs/power", "");
  dir = add_pci(tree, kParents, "0000:21:00.1", "0");
  tree.file(dir + "/msi_irqs/42", "msi\n");
  dir = add_pci(tree, kParents, "0000:21:00.2", "0");
  tree.file(dir + "/msi_irqs/43/mode", "msi\n");
  const auto irqs = [&](std::uint8_t function) {
    return read_msi_irqs(tree.sysfs(), PciAddress{0, 0x21, 0, function});
  };
  using Irqs = std::map<std::uint32_t, VectorKind>;
  CHECK(irqs(0) == Irqs{{40, VectorKind::msix}, {41, VectorKind::msix}});
  CHECK(irqs(1) == Irqs{{42, VectorKind::msi}});
  CHECK(irqs(2) == Irqs{{43, VectorKind::msi}});
  CHECK(irqs(3).empty());
}

TEST_CASE("pci: names come from the tree's pci.ids", "[read][pci]") {
  FakeTree tree{{"/usr/share/misc/pci.ids", "8086  Intel\n\t10d3  82574L of the tree\n"}};
  add_pci(tree, kParents, "0000:21:00.0", "0");
  auto devices = read_pci(tree.sysfs());
  read_pci_names(tree.sysfs(), devices);
  CHECK(devices[0].name == "Intel 82574L of the tree");
}

TEST_CASE("pci: a broken or empty pci.ids costs names only", "[read][pci]") {
  FakeTree tree;
  add_pci(tree, kParents, "0000:21:00.0", "0");
  const auto* const text = GENERATE("", "\t\tnonsense\n\x01\xff\n", "8086\n10d3");
  tree.file("/usr/share/misc/pci.ids", text);
  auto devices = read_pci(tree.sysfs());
  CHECK_NOTHROW(read_pci_names(tree.sysfs(), devices));
  CHECK(devices.size() == 1);
}

TEST_CASE("pci: files that are none cost what they would say", "[read][pci]") {
  FakeTree tree;
  tree.file("/sys/bus/pci/devices/0000:21:00.0/class/file", "");
  tree.file("/sys/bus/pci/devices/0000:21:00.0/vendor", "0xnonsense\n");
  tree.file("/sys/bus/pci/devices/0000:21:00.0/driver", "no link\n");
  tree.file("/sys/bus/pci/devices/0000:21:00.0/msi_irqs", "no directory\n");
  const auto path = tree.root() / "sys/bus/pci/devices/0000:21:00.0/numa_node";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const auto devices = read_pci(tree.sysfs());
  REQUIRE(devices.size() == 1);
  CHECK_FALSE(devices[0].class_code);
  CHECK_FALSE(devices[0].vendor);
  CHECK_FALSE(devices[0].node);
  CHECK(devices[0].driver.empty());
  CHECK(read_msi_irqs(tree.sysfs(), devices[0].address).empty());
}

}  // namespace irqtune::test
