// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "apply/identity.h"
#include "apply/kernel.h"

#include <map>
#include <set>

namespace irqtune {

namespace {

std::optional<CpuSet> mask_now(const Write& write, IrqNumber irq, const Sysfs& sysfs) {
  const auto text = sysfs.read(mask_path(write, irq));
  return text ? parse_mask_file(write, *text) : std::nullopt;
}

}  // namespace

void mark_written(const std::vector<Write>& writes, Host& host) {
  std::set<VectorId> vectors;
  std::map<IrqNumber, std::vector<std::string>> others;
  for (const auto& write : writes) {
    if (write.identity && write.identity->vector) {
      vectors.insert(*write.identity->vector);
    } else if (write.identity) {
      others.emplace(write.identity->irq, write.identity->actions);
    }
  }
  for (auto& irq : host.irqs) {
    const auto other = others.find(irq.number);
    irq.written_to_tree = irq.vector ? vectors.contains(*irq.vector)
                                     : other != others.end() && other->second == irq.actions;
  }
}

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
