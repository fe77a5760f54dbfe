// SPDX-License-Identifier: Apache-2.0
#include "plan/problem/colocate.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace irqtune::planning {

namespace {

/// CPUs that take vectors one after the other.
struct Turns {
  std::vector<int> cpus;
  std::size_t next = 0;
};

/// Takes a slot of the next CPU that has one left; empty optional if none has.
std::optional<int> take_turn(Turns& turns, std::map<int, std::size_t>& slots) {
  for (std::size_t tries = 0; tries < turns.cpus.size(); ++tries) {
    const int cpu = turns.cpus[turns.next++ % turns.cpus.size()];
    if (slots[cpu] > 0) {
      --slots[cpu];
      return cpu;
    }
  }
  return std::nullopt;
}

/// Gives the VM's vectors to the CPUs of its vCPUs.
void colocate_vm(const Index& index,
                 const Vm& vm,
                 std::vector<Item*> items,
                 std::map<int, std::size_t>& slots) {
  std::map<std::optional<NodeId>, Turns> turns_by_home;
  std::ranges::sort(items, {}, [](const Item* item) { return item->irq->vector; });
  for (auto* item : items) {
    const auto [entry, added] = turns_by_home.try_emplace(item->home);
    auto& turns = entry->second;
    if (added) {
      turns.cpus = vcpu_cpus(index, vm, item->home);
    }
    item->target = take_turn(turns, slots);
    if (!item->target) {
      item->blocked = turns.cpus.empty() ? Blocked::no_candidate : Blocked::budget;
    }
  }
}

}  // namespace

std::vector<int> vcpu_cpus(const Index& index, const Vm& vm, std::optional<NodeId> home) {
  std::vector<int> cpus;
  auto left = index.host->topology.online - index.policy->protection.avoid;
  for (const auto& vcpu : vm.vcpus) {
    if (!vcpu.pinned || !vcpu.cpus) {
      continue;
    }
    const auto more = (*vcpu.cpus & left).cpus();
    cpus.insert(cpus.end(), more.begin(), more.end());
    left = left - *vcpu.cpus;
  }
  std::ranges::stable_sort(
      cpus, {}, [&](int cpu) { return cost(index, home, node_of(index, cpu)); });
  return cpus;
}

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
  auto slots = room_on_cpus(index, items).slots;
  for (const auto& vm : index.host->vms) {
    const auto own = by_vm.find(&vm);
    if (own != by_vm.end()) {
      colocate_vm(index, vm, own->second, slots);
    }
  }
  for (auto& item : items) {
    if (item.policy == VmPolicy::colocate && !item.blocked && !item.target) {
      item.blocked = Blocked::no_candidate;  // No VM has the device.
    }
  }
}

}  // namespace irqtune::planning
