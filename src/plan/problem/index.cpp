// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/load.h"

#include "plan/problem/problem.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace irqtune::planning {

namespace {

auto vm_key(const Vm& vm) {
  return std::tie(vm.name, vm.pid, vm.state, vm.uuid);
}

std::vector<int> in_columns(const std::vector<int>& row, const std::vector<std::size_t>& order) {
  std::vector<int> moved;
  for (const auto column : order) {
    if (column < row.size()) {
      moved.push_back(row[column]);
    }
  }
  return moved;
}

/// Nodes by id; the columns of the distance table move with them.
void sort_nodes(std::vector<NumaNode>& nodes) {
  std::vector<std::size_t> order(nodes.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::size_t i) { return nodes[i].id; });
  std::vector<NumaNode> sorted;
  sorted.reserve(nodes.size());
  for (const auto i : order) {
    sorted.push_back({nodes[i].id, nodes[i].cpus, in_columns(nodes[i].distances, order)});
  }
  nodes = std::move(sorted);
}

template <typename List>
void sort_unique(List& list) {
  std::ranges::sort(list);
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

/// Adds a vCPU's CPUs to the place, and returns the node that all of them are on. A pool that
/// spans nodes says nothing about where the vCPU is.
std::optional<NodeId> add_vcpu(const Topology& topology, const CpuSet& cpus, VmPlace& place) {
  std::vector<NodeId> nodes;
  for (const int number : cpus.cpus()) {
    const auto* cpu = find_cpu(topology, number);
    if (cpu != nullptr && cpu->node) {
      nodes.push_back(*cpu->node);
    }
    if (cpu != nullptr && cpu->llc) {
      place.llcs.push_back(*cpu->llc);
    }
  }
  sort_unique(nodes);
  place.cpus |= cpus;
  place.nodes.insert(place.nodes.end(), nodes.begin(), nodes.end());
  return nodes.size() == 1 ? std::optional(nodes.front()) : std::nullopt;
}

VmPlace place_of(const Topology& topology, const Vm& vm) {
  VmPlace place;
  std::map<NodeId, int> vcpus_within;
  for (const auto& vcpu : vm.vcpus) {
    if (!vcpu.pinned || !vcpu.cpus) {
      continue;
    }
    if (const auto node = add_vcpu(topology, *vcpu.cpus, place)) {
      ++vcpus_within[*node];
    }
  }
  sort_unique(place.llcs);
  sort_unique(place.nodes);
  const auto most =
      std::ranges::max_element(vcpus_within, {}, [](const auto& entry) { return entry.second; });
  if (most != vcpus_within.end()) {
    place.node = most->first;
  }
  return place;
}

/// Of VMs that claim the same device, a running one has it.
void index_devices(Index& index, const Vm& vm) {
  for (const auto& address : vm.devices) {
    const auto [entry, added] = index.owners.try_emplace(address, &vm);
    const bool better = !is_running(*entry->second) && is_running(vm);
    if (!added && better) {
      entry->second = &vm;
    }
  }
}

void index_vms(Index& index) {
  for (const auto& vm : index.host->vms) {
    index_devices(index, vm);
    auto place = place_of(index.host->topology, vm);
    if (!place.cpus.empty()) {
      index.places.emplace(&vm, std::move(place));
    }
  }
}

void index_places(Index& index) {
  for (const auto& cpu : index.host->topology.cpus) {
    const auto threads = cpu.siblings & index.housekeeping;
    if (threads.size() > 1 && threads.contains(cpu.number)) {
      (threads.first() == cpu.number ? index.firsts : index.siblings).insert(cpu.number);
    }
  }
  for (const auto& irq : index.host->irqs) {
    const auto at = irq.vector ? place_of(index, irq) : std::nullopt;
    if (at) {
      ++index.standing[*at];
    }
  }
}

}  // namespace

std::optional<int> place_of(const Index& index, const Irq& irq) {
  const auto at = only_cpu(delivery_of(*index.host, irq));
  const bool stays = at && irq.affinity == CpuSet{*at} && index.housekeeping.contains(*at);
  return stays ? at : std::nullopt;
}

bool is_in_order(const Host& host) {
  return std::ranges::is_sorted(host.topology.cpus, {}, &Cpu::number) &&
         std::ranges::is_sorted(host.topology.nodes, {}, &NumaNode::id) &&
         std::ranges::is_sorted(host.devices, {}, &PciDevice::address) &&
         std::ranges::is_sorted(host.irqs, {}, &Irq::number) &&
         std::ranges::is_sorted(host.vms, {}, vm_key);
}

Host in_order(const Host& host) {
  Host sorted = host;
  std::ranges::sort(sorted.topology.cpus, {}, &Cpu::number);
  sort_nodes(sorted.topology.nodes);
  std::ranges::sort(sorted.devices, {}, &PciDevice::address);
  std::ranges::sort(sorted.irqs, {}, &Irq::number);
  std::ranges::stable_sort(sorted.vms, {}, vm_key);
  return sorted;
}

const PciDevice* device_of(const Index& index, const std::optional<PciAddress>& address) {
  const auto device = address ? index.devices.find(*address) : index.devices.end();
  return device != index.devices.end() ? device->second : nullptr;
}

const Vm* owner_of(const Index& index, const std::optional<PciAddress>& address) {
  const auto owner = address ? index.owners.find(*address) : index.owners.end();
  return owner != index.owners.end() ? owner->second : nullptr;
}

Index make_index(const Host& host, const Policy& policy) {
  Index index;
  index.host = &host;
  index.policy = &policy;
  for (const auto& device : host.devices) {
    index.devices.emplace(device.address, &device);
  }
  index_vms(index);
  for (const auto& irq : host.irqs) {
    if (irq.device && is_measured(host, irq)) {
      auto& busiest = index.busiest[*irq.device];
      busiest = std::max(busiest, total_rate(irq));
    }
    if (irq.vector) {
      auto& last = index.last_index[irq.vector->device];
      last = std::max(last, static_cast<int>(irq.vector->index));
    }
  }
  index.protections = protections(host, policy.protection);
  index.protected_cpus = protected_cpus(index.protections);
  const auto pool = pool_cpus(host, policy.protection, index.protections);
  const auto free = host.topology.online - index.protected_cpus;
  index.housekeeping = policy.housekeeping ? free & *policy.housekeeping : free - pool;
  index.pool = policy.housekeeping ? CpuSet{} : pool;
  index_places(index);
  return index;
}

std::optional<NodeId> node_of(const Index& index, int cpu) {
  const auto* found = find_cpu(index.host->topology, cpu);
  return found != nullptr ? found->node : std::nullopt;
}

std::optional<NodeId> home_node(const Index& index, const PciDevice* device, const Vm* vm) {
  const auto of_device = device != nullptr ? device->node : std::nullopt;
  const auto place = index.places.find(vm);
  if (place == index.places.end() || !place->second.node) {
    return of_device;
  }
  const bool vm_is_there = of_device && std::ranges::binary_search(place->second.nodes, *of_device);
  if (of_device && (index.policy->near_to == Near::device || vm_is_there)) {
    return of_device;
  }
  return place->second.node;
}

int cost(const Index& index, std::optional<NodeId> home, std::optional<NodeId> node) {
  constexpr int kUnknownDistance = kMaxDistance + 1;
  if (!home) {
    return 0;
  }
  if (!node) {
    return kUnknownDistance + 1;
  }
  return distance(index.host->topology, *home, *node).value_or(kUnknownDistance);
}

}  // namespace irqtune::planning
