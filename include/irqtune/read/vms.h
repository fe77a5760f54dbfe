// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/sys/sysfs.h"

#include <string>
#include <vector>

namespace irqtune {

struct VmsRead {
  std::vector<Vm> vms;  ///< By name, then PID.
  std::vector<std::string> warnings;
};

/// Every VM of the host, from every source there is, merged. `online` decides who is pinned.
/// `devices` are the host's PCI devices, to find those of an IOMMU group.
[[nodiscard]] VmsRead read_vms(const Sysfs& sysfs,
                               const Topology& topology,
                               const std::vector<PciDevice>& devices);

}  // namespace irqtune
