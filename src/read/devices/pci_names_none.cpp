// SPDX-License-Identifier: Apache-2.0
#include "read/devices/devices.h"

namespace irqtune {

/// In the static build, which has no libpci: devices keep their numbers.
void read_pci_names(const Sysfs& /*sysfs*/, std::vector<PciDevice>& /*devices*/) {}

}  // namespace irqtune
