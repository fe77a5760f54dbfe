// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "apply/identity.h"
#include "apply/kernel.h"

#include <algorithm>
#include <map>
#include <set>

namespace irqtune {

namespace {

std::optional<CpuSet> mask_now(const Write& write, IrqNumber irq, const Sysfs& sysfs) {
  const auto text = sysfs.read(mask_path(write, irq));
  return text ? parse_mask_file(write, *text) : std::nullopt;
}

/// False of another generation too: what was written went with the old one.
bool has_counted_since(const PendingMove& move, const Irq& irq) {
  const auto& noted = move.write.identity->generation;
  const bool same = !noted || !irq.generation || *noted == *irq.generation;
  const bool there = irq.effective && *irq.effective == CpuSet{move.cpu};
  const auto count = std::ranges::find(irq.counts, move.cpu, &CpuCount::cpu);
  return same && there && count != irq.counts.end() && count->count != move.counted;
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

void mark_counted(const std::vector<PendingMove>& moves, Host& host) {
  std::map<VectorId, const PendingMove*> by_vector;
  for (const auto& move : moves) {
    if (move.write.identity && move.write.identity->vector) {
      by_vector.emplace(*move.write.identity->vector, &move);
    }
  }
  for (auto& irq : host.irqs) {
    const auto found = irq.vector ? by_vector.find(*irq.vector) : by_vector.end();
    irq.counted_since_write = found != by_vector.end() && has_counted_since(*found->second, irq);
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
