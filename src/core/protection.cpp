// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/protection.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace irqtune {

namespace {

void add_all(ProtectionMap& map,
             const CpuSet& cpus,
             ProtectionKind kind,
             const std::string& source) {
  for (const int cpu : cpus.cpus()) {
    map[cpu].push_back({kind, {}, std::nullopt, source, std::nullopt, std::nullopt});
  }
}

void add_sibling(ProtectionMap& map, const Vm& vm, const Vcpu& vcpu, const Cpu& cpu) {
  for (const int sibling : cpu.siblings.cpus()) {
    if (sibling != cpu.number && !vcpu.cpus->contains(sibling)) {
      map[sibling].push_back(
          {ProtectionKind::sibling, vm.name, vcpu.id, vcpu.source, cpu.number, vm.pid});
    }
  }
}

void add_vcpu(
    ProtectionMap& map, const Topology& topology, const Vm& vm, const Vcpu& vcpu, bool siblings) {
  for (const int number : vcpu.cpus->cpus()) {
    map[number].push_back(
        {ProtectionKind::vcpu, vm.name, vcpu.id, vcpu.source, std::nullopt, vm.pid});
    const auto* cpu = find_cpu(topology, number);
    if (siblings && cpu != nullptr) {
      add_sibling(map, vm, vcpu, *cpu);
    }
  }
}

void add_vm(ProtectionMap& map, const Topology& topology, const Vm& vm, bool siblings) {
  for (const auto& vcpu : vm.vcpus) {
    if (vcpu.pinned && vcpu.cpus) {
      add_vcpu(map, topology, vm, vcpu, siblings);
    }
  }
}

/// Equal for reasons that differ in the vCPU only.
auto but_for_vcpu(const Protection& reason) {
  return std::tie(reason.kind, reason.vm, reason.pid, reason.of, reason.source);
}

std::string text_of(int cpu, const Protection& protection, const CpuSet& vcpus) {
  const auto who = fmt::format("{} {} of {} ({})",
                               vcpus.size() == 1 ? "vCPU" : "vCPUs",
                               vcpus.to_list(),
                               protection.vm,
                               protection.source);
  switch (protection.kind) {
    case ProtectionKind::vcpu:
      return fmt::format("cpu{}: {}", cpu, who);
    case ProtectionKind::sibling:
      return fmt::format("cpu{}: sibling of cpu{}, {}", cpu, *protection.of, who);
    case ProtectionKind::user:
      return fmt::format("cpu{}: to be avoided ({})", cpu, protection.source);
    case ProtectionKind::isolated:
    case ProtectionKind::nohz_full:
    case ProtectionKind::cpuset:
      break;
  }
  return fmt::format("cpu{}: {} ({})", cpu, protection_text(protection.kind), protection.source);
}

}  // namespace

std::string_view protection_text(ProtectionKind kind) noexcept {
  switch (kind) {
    case ProtectionKind::vcpu:
      return "vcpu";
    case ProtectionKind::sibling:
      return "sibling";
    case ProtectionKind::isolated:
      return "isolated";
    case ProtectionKind::nohz_full:
      return "nohz_full";
    case ProtectionKind::cpuset:
      return "cpuset";
    case ProtectionKind::user:
      return "user";
  }
  return "";
}

ProtectionMap protections(const Host& host, const ProtectionRules& rules) {
  ProtectionMap map;
  for (const auto& vm : host.vms) {
    if (vm.state == VmState::running || rules.include_defined) {
      add_vm(map, host.topology, vm, rules.siblings);
    }
  }
  const auto& topology = host.topology;
  add_all(map, topology.isolated, ProtectionKind::isolated, "/sys/devices/system/cpu/isolated");
  add_all(map, topology.nohz_full, ProtectionKind::nohz_full, "/sys/devices/system/cpu/nohz_full");
  for (const auto& partition : topology.partitions) {
    add_all(map, partition.cpus, ProtectionKind::cpuset, partition.source);
  }
  add_all(map, rules.avoid, ProtectionKind::user, "--avoid");
  for (auto& [cpu, reasons] : map) {
    std::ranges::sort(reasons, {}, [](const Protection& reason) {
      return std::tie(reason.kind, reason.vm, reason.pid, reason.vcpu, reason.of, reason.source);
    });
  }
  return map;
}

CpuSet protected_cpus(const ProtectionMap& map) {
  CpuSet cpus;
  for (const auto& [cpu, reasons] : map) {
    cpus.insert(cpu);
  }
  return cpus;
}

std::string protection_text(int cpu, const Protection& protection) {
  CpuSet vcpus;
  if (protection.vcpu) {
    vcpus.insert(*protection.vcpu);
  }
  return text_of(cpu, protection, vcpus);
}

std::vector<std::string> protection_texts(int cpu, const std::vector<Protection>& reasons) {
  std::vector<std::pair<const Protection*, CpuSet>> groups;
  std::map<decltype(but_for_vcpu(reasons[0])), std::size_t> places;  // Index into groups
  for (const auto& reason : reasons) {
    const auto [place, is_new] = places.try_emplace(but_for_vcpu(reason), groups.size());
    if (is_new) {
      groups.push_back({&reason, {}});
    }
    if (reason.vcpu) {
      groups[place->second].second.insert(*reason.vcpu);
    }
  }
  std::vector<std::string> lines;
  lines.reserve(groups.size());
  for (const auto& [reason, vcpus] : groups) {
    lines.push_back(text_of(cpu, *reason, vcpus));
  }
  return lines;
}

bool protected_by_vcpu(const ProtectionMap& map, int cpu) {
  const auto found = map.find(cpu);
  return found != map.end() && std::ranges::any_of(found->second, [](const Protection& reason) {
           return reason.kind == ProtectionKind::vcpu || reason.kind == ProtectionKind::sibling;
         });
}

}  // namespace irqtune
