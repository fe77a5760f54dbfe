// SPDX-License-Identifier: Apache-2.0
#include "plan/problem/problem.h"

#include <algorithm>
#include <limits>
#include <string_view>

namespace irqtune::planning {

namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

std::size_t less(std::size_t from, std::size_t amount) {
  return from > amount ? from - amount : 0;
}

/// The CPUs on which the kernel found no vector for what asked for them. What is full stays so
/// until somebody gives a vector back, which nothing tells.
CpuSet found_full(const Host& host) {
  CpuSet full;
  for (const auto& irq : host.irqs) {
    if (irq.affinity && delivery_of(host, irq).state == DeliveryState::fallback) {
      full |= *irq.affinity;
    }
  }
  return full;
}

}  // namespace

std::optional<std::size_t> vector_budget(const Index& index) {
  constexpr std::size_t kX86Vectors = 200;  // Of 0x20..0xea, less the legacy ones.
  if (index.policy->max_vectors_per_cpu) {
    return static_cast<std::size_t>(std::max(0, *index.policy->max_vectors_per_cpu));
  }
  const bool x86 = std::ranges::any_of(index.host->irqs, [](const Irq& irq) {
    const std::string_view chip = irq.chip;
    return chip.starts_with("PCI-MSI") || chip.starts_with("IR-PCI-MSI") ||
           chip.find("IO-APIC") != std::string_view::npos;
  });
  return x86 ? std::optional(kX86Vectors) : std::nullopt;
}

bool is_to_place(const Item& item) {
  return !item.blocked && !item.target;
}

const Item* find_item(const std::vector<Item>& items, const Irq& irq) {
  const auto item = std::ranges::lower_bound(
      items, irq.number, {}, [](const Item& other) { return other.irq->number; });
  return item != items.end() && item->irq == &irq ? &*item : nullptr;
}

Room room_on_cpus(const Index& index, const std::vector<Item>& items) {
  Room room;
  std::map<int, std::size_t> given_back;  // By items: they may stay, or go and leave it free.
  std::map<int, std::size_t> coming;
  std::map<int, std::size_t> here;  // To be placed, and delivered to the CPU now.
  for (const auto& irq : index.host->irqs) {
    const auto* item = find_item(items, irq);
    const auto target = item != nullptr ? item->target : std::nullopt;
    const bool placed = !irq.actions.empty() && (item == nullptr || !is_to_place(*item));
    const auto at = target ? target : only_cpu(delivery_of(*index.host, irq));
    const bool counts = at && placed;
    if (counts) {
      ++room.taken[*at];
    } else if (at && item != nullptr) {
      ++here[*at];
    }
    if (target) {
      ++coming[*target];
    }
    const auto allocated = allocated_on(irq);
    if (allocated && item != nullptr && !item->blocked) {
      ++given_back[*allocated];
    }
  }
  const auto limit = vector_budget(index);
  const auto budget = limit.value_or(kNoLimit);
  const auto full = limit ? found_full(*index.host) : CpuSet{};
  const bool explicitly = index.policy->max_vectors_per_cpu.has_value();
  for (const auto& cpu : index.host->topology.cpus) {
    const bool is_full = full.contains(cpu.number) && !cpu.free_vectors;
    const auto counted = is_full ? here[cpu.number] : less(budget, room.taken[cpu.number]);
    const auto left = cpu.free_vectors
                          ? less(*cpu.free_vectors + given_back[cpu.number], coming[cpu.number])
                          : counted;
    room.slots[cpu.number] = cpu.free_vectors && explicitly ? std::min(left, counted) : left;
  }
  return room;
}

}  // namespace irqtune::planning
