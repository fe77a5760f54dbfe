// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/host.h"

#include "read/devices/devices.h"
#include "support/catch.h"
#include "support/hosts/fake_tree.h"

namespace irqtune {

TEST_CASE("A device that pci.ids does not know has its vendor's name, as lspci says it",
          "[pci_names]") {
  const test::FakeTree tree{
      {"/usr/share/misc/pci.ids", "1234  Test Vendor\n\t1111  Test Device\n"}};
  std::vector<PciDevice> devices(3);
  devices[0].vendor = devices[1].vendor = 0x1234;
  devices[0].device = 0x1111;
  devices[1].device = 0xf1;
  devices[2].vendor = 0x4321;
  devices[2].device = 0x1111;

  read_pci_names(tree.sysfs(), devices);

  CHECK(devices[0].name == "Test Vendor Test Device");
  CHECK(devices[1].name == "Test Vendor Device 00f1");
  CHECK(devices[2].name.empty());
}

}  // namespace irqtune
