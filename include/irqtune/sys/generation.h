// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/pci.h"
#include "irqtune/sys/sysfs.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace irqtune {

/// The directory whose entries, named by number, tell an interrupt's generation: msi_irqs/ of a
/// device with MSI or MSI-X, else /sys/kernel/irq.
[[nodiscard]] std::string generation_dir(const std::optional<PciAddress>& msi_device);

/// By number, the generation of each interrupt in that directory; empty if unknown.
[[nodiscard]] std::map<IrqNumber, std::uint64_t> read_generations(
    const Sysfs& sysfs, const std::optional<PciAddress>& msi_device);

}  // namespace irqtune
