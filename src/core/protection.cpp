// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/protection.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace irqtune {

namespace {

void add_all(ProtectionMap& map,
             const CpuSet& cpus,
             ProtectionKind kind,
             const std::string& source) {
  for (const int cpu : cpus.cpus()) {
    map[cpu].push_back({kind, {}, std::nullopt, source, std::nullopt});
  }
}

void add_sibling(ProtectionMap& map, const Vm& vm, const Vcpu& vcpu, const Cpu& cpu) {
  for (const int sibling : cpu.siblings.cpus()) {
    if (sibling != cpu.number && !vcpu.cpus->contains(sibling)) {
      map[sibling].push_back({ProtectionKind::sibling, vm.name, vcpu.id, vcpu.source, cpu.number});
    }
  }
}

void add_vcpu(
    ProtectionMap& map, const Topology& topology, const Vm& vm, const Vcpu& vcpu, bool siblings) {
  for (const int number : vcpu.cpus->cpus()) {
    map[number].push_back({ProtectionKind::vcpu, vm.name, vcpu.id, vcpu.source, std::nullopt});
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
      return std::tie(reason.kind, reason.vm, reason.vcpu, reason.of, reason.source);
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
  switch (protection.kind) {
    case ProtectionKind::vcpu:
      return fmt::format(
          "cpu{}: vCPU {} of {} ({})", cpu, *protection.vcpu, protection.vm, protection.source);
    case ProtectionKind::sibling:
      return fmt::format("cpu{}: sibling of cpu{}, vCPU {} of {} ({})",
                         cpu,
                         *protection.of,
                         *protection.vcpu,
                         protection.vm,
                         protection.source);
    case ProtectionKind::isolated:
    case ProtectionKind::nohz_full:
    case ProtectionKind::cpuset:
    case ProtectionKind::user:
      break;
  }
  return fmt::format("cpu{}: {} ({})", cpu, protection_text(protection.kind), protection.source);
}

bool protected_by_vcpu(const ProtectionMap& map, int cpu) {
  const auto found = map.find(cpu);
  return found != map.end() && std::ranges::any_of(found->second, [](const Protection& reason) {
           return reason.kind == ProtectionKind::vcpu || reason.kind == ProtectionKind::sibling;
         });
}

}  // namespace irqtune
