// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/host.h"

#include "read/devices/devices.h"
#include "support/catch.h"
#include "support/fake_tree.h"

namespace irqtune {

TEST_CASE("A device that pci.ids does not know costs no more than its name", "[pci_names]") {
  const test::FakeTree tree{
      {"/usr/share/misc/pci.ids", "1234  Test Vendor\n\t1111  Test Device\n"}};
  std::vector<PciDevice> devices(2);
  devices[0].vendor = devices[1].vendor = 0x1234;
  devices[0].device = 0x1111;
  devices[1].device = 0x11e8;

  read_pci_names(tree.sysfs(), devices);

  CHECK(devices[0].name == "Test Vendor Test Device");
  CHECK(devices[1].name.find("Test Device") == std::string::npos);
}

}  // namespace irqtune
