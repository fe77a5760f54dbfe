// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "apply/identity.h"
#include "apply/kernel.h"

namespace irqtune {

namespace {

std::optional<CpuSet> mask_now(const Write& write, IrqNumber irq, const Sysfs& sysfs) {
  const auto text = sysfs.read(mask_path(write, irq));
  return text ? parse_mask_file(write, *text) : std::nullopt;
}

}  // namespace

std::vector<AppliedMask> applied_masks(const std::vector<Write>& writes, const Sysfs& sysfs) {
  std::vector<AppliedMask> masks;
  for (const auto& write : writes) {
    const auto irq = write.identity ? locate(sysfs, *write.identity) : std::nullopt;
    if (irq || !write.identity) {
      const bool remade = irq && is_remade(sysfs, *write.identity, *irq);
      masks.push_back({write, irq, mask_now(write, irq.value_or(IrqNumber{}), sysfs), remade});
    }
  }
  return masks;
}

}  // namespace irqtune
