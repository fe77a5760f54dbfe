// SPDX-License-Identifier: Apache-2.0
#include "plan/colocate.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

namespace irqtune::planning {

namespace {

/// The CPUs of the VM's pinned vCPUs, those near to `home` first, then in the order of the vCPUs.
std::vector<int> vcpu_cpus(const Index& index, const Vm& vm, std::optional<NodeId> home) {
  std::vector<int> cpus;
  std::set<int> seen;
  for (const auto& vcpu : vm.vcpus) {
    if (!vcpu.pinned || !vcpu.cpus) {
      continue;
    }
    for (const int cpu : vcpu.cpus->cpus()) {
      const bool wanted = index.host->topology.online.contains(cpu) &&
                          !index.policy->protection.avoid.contains(cpu);
      if (wanted && seen.insert(cpu).second) {
        cpus.push_back(cpu);
      }
    }
  }
  std::ranges::stable_sort(
      cpus, {}, [&](int cpu) { return cost(index, home, node_of(index, cpu)); });
  return cpus;
}

/// How many more vectors each CPU may take, by what is not planned.
std::map<int, std::size_t> free_slots(const Index& index, const std::vector<Item>& items) {
  const auto budget = vector_budget(index).value_or(std::numeric_limits<std::size_t>::max());
  std::set<IrqNumber> planned;
  for (const auto& item : items) {
    if (!item.blocked) {
      planned.insert(item.irq->number);
    }
  }
  std::map<int, std::size_t> slots;
  for (const auto& cpu : index.host->topology.cpus) {
    slots[cpu.number] = budget;
  }
  for (const auto& irq : index.host->irqs) {
    const auto& at = headed_to(irq);
    if (irq.actions.empty() || planned.contains(irq.number) || !at || at->size() != 1) {
      continue;
    }
    auto& left = slots[*at->first()];
    left -= left > 0 ? 1U : 0U;
  }
  return slots;
}

}  // namespace

void colocate(const Index& index, std::vector<Item>& items) {
  std::map<const Vm*, std::vector<Item*>> by_vm;
  for (auto& item : items) {
    if (item.policy == VmPolicy::colocate && !item.blocked) {
      by_vm[item.vm].push_back(&item);
    }
  }
  if (by_vm.empty()) {
    return;
  }
  auto slots = free_slots(index, items);
  for (const auto& vm : index.host->vms) {
    const auto own = by_vm.find(&vm);
    if (own == by_vm.end()) {
      continue;
    }
    std::map<std::optional<NodeId>, std::pair<std::vector<int>, std::size_t>> turns;
    std::ranges::sort(own->second, {}, [](const Item* item) { return item->irq->vector; });
    for (auto* item : own->second) {
      const auto [turn, added] = turns.try_emplace(item->home);
      auto& [cpus, next] = turn->second;
      if (added) {
        cpus = vcpu_cpus(index, vm, item->home);
      }
      for (std::size_t tries = 0; tries < cpus.size() && !item->target; ++tries) {
        const int cpu = cpus[next++ % cpus.size()];
        if (slots[cpu] > 0) {
          --slots[cpu];
          item->target = cpu;
        }
      }
      if (!item->target) {
        item->blocked = cpus.empty() ? Blocked::no_candidate : Blocked::budget;
      }
    }
  }
  for (auto& item : items) {
    if (item.policy == VmPolicy::colocate && !item.blocked && !item.target) {
      item.blocked = Blocked::no_candidate;  // No VM has the device.
    }
  }
}

}  // namespace irqtune::planning
