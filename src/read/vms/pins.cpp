// SPDX-License-Identifier: Apache-2.0
#include "read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace irqtune {

namespace {

constexpr std::size_t kMostVcpus = std::size_t{1} << 18;

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
    const auto cpus = is_running(vm) && vm.protects ? pinned_cpus(vm) : CpuSet{};
    pinned.by_several |= pinned.by_any & cpus;
    pinned.by_any |= cpus;
  }
  return pinned;
}

void mark_pinned(Vcpu& vcpu, const CpuSet& online, const CpuSet& default_set) {
  const auto usable = vcpu.cpus ? *vcpu.cpus & online : CpuSet{};
  vcpu.pinned = !usable.empty() && !usable.contains_all(default_set);
  if (!vcpu.pinned && !usable.empty()) {
    vcpu.cpus = usable;  // A free thread's mask has the possible CPUs too.
  }
}

/// Siblings of one core count once; a CPU of an unknown core is a core by itself.
std::size_t cores_of(const Topology& topology, const CpuSet& cpus) {
  std::set<int> cores;
  for (const int number : cpus.cpus()) {
    const auto* cpu = find_cpu(topology, number);
    cores.insert(cpu != nullptr && !cpu->siblings.empty() ? *cpu->siblings.first() : number);
  }
  return cores.size();
}

/// For each set of CPUs that pinned vCPUs of the VM have in common, whether it is their own: one
/// core, or no more cores than they are. Where the whole process has that mask, and more CPUs than
/// vCPUs, nobody has pinned vCPUs: it floats over a part of the host.
std::map<std::string, bool> own_sets(const Topology& topology, const Vm& vm) {
  std::map<std::string, std::pair<std::size_t, const CpuSet*>> groups;
  for (const auto& vcpu : vm.vcpus) {
    if (vcpu.pinned) {
      auto& [vcpus, cpus] = groups[vcpu.cpus->to_list()];
      ++vcpus;
      cpus = &*vcpu.cpus;
    }
  }
  std::map<std::string, bool> own;
  for (const auto& [list, group] : groups) {
    const auto& [vcpus, mask] = group;
    const auto cpus = *mask & topology.online;
    const auto cores = cores_of(topology, cpus);
    const bool floats = vm.emulator && (*vm.emulator & topology.online) == cpus;
    own[list] = cores == 1 || (cores <= vcpus && !(floats && cpus.size() > vcpus));
  }
  return own;
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

void mark_pins(std::vector<Vm>& vms, const Topology& topology, const CpuSet& default_set) {
  for (auto& vm : vms) {
    for (auto& vcpu : vm.vcpus) {
      mark_pinned(vcpu, topology.online, default_set);
    }
  }
  const auto taken = find_pinned(vms);
  for (auto& vm : vms) {
    const auto& others = is_running(vm) ? taken.by_several : taken.by_any;
    const auto own = own_sets(topology, vm);
    for (auto& vcpu : vm.vcpus) {
      vcpu.dedicated = vm.protects && vcpu.pinned && !vcpu.cpus->intersects(others) &&
                       own.at(vcpu.cpus->to_list());
    }
  }
}

}  // namespace irqtune
