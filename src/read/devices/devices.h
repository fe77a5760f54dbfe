// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/sys/sysfs.h"

#include <optional>
#include <string_view>
#include <vector>

namespace irqtune {

/// Every PCI device, by address, with its node (or its nearest parent bridge's). `passthrough` is
/// told by vfio-dev/ and by the driver only; handler names are joined by the caller.
[[nodiscard]] std::vector<PciDevice> read_pci(const Sysfs& sysfs);

/// Fills PciDevice::name from pci.ids, the root's own or this machine's; without one, nothing.
void read_pci_names(const Sysfs& sysfs, std::vector<PciDevice>& devices);

/// The best kind of interrupt that a device's configuration space offers; empty optional if the
/// bytes end before that can be told, as they do for readers that are not root.
/// Source: PCI Local Bus Specification 3.0, 6.7 and 6.8: capability list, ids 0x05 and 0x11.
[[nodiscard]] std::optional<VectorKind> parse_config(std::string_view bytes) noexcept;

}  // namespace irqtune
