// SPDX-License-Identifier: Apache-2.0
#include "read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

constexpr std::size_t kMostVcpus = std::size_t{1} << 18;

/// The masks that mean "not pinned": every online CPU, and what isolation leaves to everybody.
std::vector<CpuSet> free_masks(const Topology& topology, const std::optional<CpuSet>& common) {
  CpuSet partitions;
  for (const auto& partition : topology.partitions) {
    partitions |= partition.cpus;
  }
  const auto& online = topology.online;
  const auto rest = common.value_or(online) & online;
  return {online,
          online - topology.isolated,
          online - partitions,
          online - topology.isolated - partitions,
          rest,
          rest - topology.isolated};
}

/// The CPUs that running VMs pin vCPUs to.
struct Pinned {
  CpuSet by_any;
  CpuSet by_several;  ///< VMs, that is; vCPUs of one VM may share a CPU.
};

CpuSet pinned_cpus(const Vm& vm) {
  CpuSet cpus;
  for (const auto& vcpu : vm.vcpus) {
    cpus = vcpu.pinned ? cpus | *vcpu.cpus : cpus;
  }
  return cpus;
}

Pinned find_pinned(const std::vector<Vm>& vms) {
  Pinned pinned;
  for (const auto& vm : vms) {
    const auto cpus = vm.state == VmState::running ? pinned_cpus(vm) : CpuSet{};
    pinned.by_several |= pinned.by_any & cpus;
    pinned.by_any |= cpus;
  }
  return pinned;
}

void mark_pinned(Vcpu& vcpu, const CpuSet& online, const std::vector<CpuSet>& free) {
  const auto usable = vcpu.cpus ? *vcpu.cpus & online : CpuSet{};
  vcpu.pinned = !usable.empty() && std::ranges::find(free, usable) == free.end();
  if (!vcpu.pinned && !usable.empty()) {
    vcpu.cpus = usable;  // A free thread's mask has the possible CPUs too.
  }
}

}  // namespace

bool VcpuBudget::take(std::size_t vcpus) {
  taken_ += vcpus;
  const bool within = taken_ <= kMostVcpus;
  left_out_ += within ? 0 : 1;
  return within;
}

void VcpuBudget::say_left_out(std::vector<std::string>& warnings) const {
  if (left_out_ > 0) {
    warnings.push_back(fmt::format(
        "{} VMs are left out: no host runs the more than {} vCPUs that they all claim to have",
        left_out_,
        kMostVcpus));
  }
}

void mark_pins(std::vector<Vm>& vms,
               const Topology& topology,
               const std::optional<CpuSet>& common) {
  const auto free = free_masks(topology, common);
  for (auto& vm : vms) {
    for (auto& vcpu : vm.vcpus) {
      mark_pinned(vcpu, topology.online, free);
    }
  }
  const auto taken = find_pinned(vms);
  for (auto& vm : vms) {
    const auto& others = vm.state == VmState::running ? taken.by_several : taken.by_any;
    for (auto& vcpu : vm.vcpus) {
      vcpu.dedicated = vcpu.pinned && !vcpu.cpus->intersects(others);
    }
  }
}

}  // namespace irqtune
