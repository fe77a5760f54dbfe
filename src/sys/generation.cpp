// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/generation.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

namespace irqtune {

std::string generation_dir(const std::optional<PciAddress>& msi_device) {
  return msi_device ? fmt::format("/sys/bus/pci/devices/{}/msi_irqs", msi_device->to_string())
                    : std::string("/sys/kernel/irq");
}

std::map<IrqNumber, std::uint64_t> read_generations(const Sysfs& sysfs,
                                                    const std::optional<PciAddress>& msi_device) {
  std::map<IrqNumber, std::uint64_t> generations;
  for (const auto& [name, inode] : sysfs.inodes(generation_dir(msi_device))) {
    if (const auto number = parse_number<std::uint32_t>(name)) {
      generations.emplace(IrqNumber{*number}, inode);
    }
  }
  return generations;
}

}  // namespace irqtune
