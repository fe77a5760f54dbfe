// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/host.h"

#include "irqtune/core/in_use.h"

#include <algorithm>
#include <functional>

namespace irqtune {

namespace {

/// The element of the sorted `list` whose `key` is `wanted`; nullptr if there is none.
template <typename T, typename Key, typename Projection>
const T* find_sorted(const std::vector<T>& list, const Key& wanted, Projection key) noexcept {
  const auto found = std::ranges::lower_bound(list, wanted, {}, key);
  return found != list.end() && std::invoke(key, *found) == wanted ? &*found : nullptr;
}

}  // namespace

std::string_view cpu_kind_text(CpuKind kind) noexcept {
  switch (kind) {
    case CpuKind::performance:
      return "performance";
    case CpuKind::efficiency:
      return "efficiency";
    case CpuKind::low_power:
      return "low_power";
  }
  return "";
}

const Irq* find_irq(const Host& host, IrqNumber number) noexcept {
  return find_sorted(host.irqs, number, &Irq::number);
}

const Irq* find_vector(const Host& host, const VectorId& vector) noexcept {
  const auto found = std::ranges::find(host.irqs, vector, &Irq::vector);
  return found != host.irqs.end() ? &*found : nullptr;
}

const PciDevice* find_device(const Host& host, const PciAddress& address) noexcept {
  return find_sorted(host.devices, address, &PciDevice::address);
}

const Vm* find_owner(const Host& host, const PciAddress& address) noexcept {
  const Vm* defined = nullptr;
  for (const auto& vm : host.vms) {
    if (std::ranges::find(vm.devices, address) == vm.devices.end()) {
      continue;
    }
    if (is_running(vm)) {
      return &vm;
    }
    defined = defined == nullptr ? &vm : defined;
  }
  return defined;
}

std::map<PciAddress, std::size_t> vector_counts(const Host& host) {
  std::map<PciAddress, std::size_t> counts;
  for (const auto& irq : host.irqs) {
    if (irq.device) {
      ++counts[*irq.device];
    }
  }
  for (const auto& device : host.devices) {
    if (device.msi_vectors) {
      counts[device.address] = *device.msi_vectors;
    }
  }
  return counts;
}

std::string_view state_text(VmState state) noexcept {
  switch (state) {
    case VmState::running:
      return "running";
    case VmState::paused:
      return "paused";
    case VmState::defined:
      return "defined";
  }
  return "";
}

const Cpu* find_cpu(const Topology& topology, int number) noexcept {
  return find_sorted(topology.cpus, number, &Cpu::number);
}

std::optional<int> distance(const Topology& topology, NodeId from, NodeId to) noexcept {
  constexpr int kLocal = 10;  // ACPI SLIT
  if (from == to) {
    return kLocal;
  }
  const auto* row = find_sorted(topology.nodes, from, &NumaNode::id);
  const auto* column = find_sorted(topology.nodes, to, &NumaNode::id);
  if (row == nullptr || column == nullptr) {
    return std::nullopt;
  }
  const auto index = static_cast<std::size_t>(column - topology.nodes.data());
  return index < row->distances.size() ? std::optional(row->distances[index]) : std::nullopt;
}

std::uint64_t total_count(const Irq& irq) noexcept {
  std::uint64_t total = 0;
  for (const auto& count : irq.counts) {
    total += count.count;
  }
  return total;
}

double total_rate(const Irq& irq) noexcept {
  double total = 0;
  for (const auto& rate : irq.rates) {
    total += rate.rate;
  }
  return total;
}

bool is_in_use(const Irq& irq) noexcept {
  return irq.listed || !irq.actions.empty() || irq.affinity;
}

}  // namespace irqtune
