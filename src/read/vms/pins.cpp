// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "read/vms/sources.h"

namespace irqtune {

namespace {

/// The masks that mean "not pinned": every online CPU, and what isolation leaves to everybody.
std::vector<CpuSet> free_masks(const Topology& topology) {
  CpuSet partitions;
  for (const auto& partition : topology.partitions) {
    partitions |= partition.cpus;
  }
  const auto& online = topology.online;
  return {online,
          online - topology.isolated,
          online - partitions,
          online - topology.isolated - partitions};
}

bool overlaps_other(const std::vector<Vm>& vms, const Vm& vm, const CpuSet& cpus) {
  return std::ranges::any_of(vms, [&](const Vm& other) {
    return &other != &vm && other.state == VmState::running &&
           std::ranges::any_of(other.vcpus, [&](const Vcpu& vcpu) {
             return vcpu.pinned && vcpu.cpus->intersects(cpus);
           });
  });
}

}  // namespace

void mark_pins(std::vector<Vm>& vms, const Topology& topology) {
  const auto free = free_masks(topology);
  for (auto& vm : vms) {
    for (auto& vcpu : vm.vcpus) {
      const auto usable = vcpu.cpus ? *vcpu.cpus & topology.online : CpuSet{};
      vcpu.pinned = !usable.empty() && std::ranges::find(free, usable) == free.end();
      if (!vcpu.pinned && !usable.empty()) {
        vcpu.cpus = usable;  // A free thread's mask has the possible CPUs too.
      }
    }
  }
  for (auto& vm : vms) {
    for (auto& vcpu : vm.vcpus) {
      vcpu.dedicated = vcpu.pinned && !overlaps_other(vms, vm, *vcpu.cpus);
    }
  }
}

}  // namespace irqtune
