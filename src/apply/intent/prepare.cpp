// SPDX-License-Identifier: Apache-2.0
#include "apply/intent/prepare.h"

#include "irqtune/core/text.h"

namespace irqtune {

namespace {

/// True of a write of what stood there when it was planned: it is for the handler's thread, which
/// the kernel brings back with it, or asks again for a CPU that had no vector free.
bool is_meant(const Write& write) {
  return write.identity && same_mask(write, write.before, write.after);
}

Item prepare_one(const Kernel& kernel, const Write& write) {
  Item item;
  item.outcome.write = write;
  item.outcome.irq = write.identity ? write.identity->irq : IrqNumber{};
  const auto irq = locate(kernel, write);
  if (!irq) {
    describe_vanished(item.outcome);
    return item;
  }
  item.outcome.irq = *irq;
  note_generation(kernel, *irq, item.outcome.write);
  const auto file = kernel.sysfs.read_file(mask_path(write, *irq));
  if (!file.text) {
    describe_refusal(file.error, item.outcome);
    return item;
  }
  item.due = !same_mask(write, *file.text, write.after) || is_meant(write);
  item.outcome.write.before = trimmed(*file.text);
  item.outcome.state = WriteState::unchanged;
  return item;
}

}  // namespace

std::vector<Item> prepare(const Kernel& kernel, const std::vector<Write>& writes) {
  std::vector<Item> items;
  items.reserve(writes.size());
  std::size_t number = 0;
  for (const auto& write : writes) {
    items.push_back(prepare_one(kernel, write));
    items.back().number = items.back().due ? number++ : 0;
  }
  return items;
}

}  // namespace irqtune
