// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/protection.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace irqtune {

namespace {

void add_all(ProtectionMap& map,
             const CpuSet& cpus,
             ProtectionKind kind,
             const std::string& source) {
  for (const int cpu : cpus.cpus()) {
    map[cpu].push_back({kind, {}, {}, source, std::nullopt, std::nullopt});
  }
}

/// CPUs that the host has, online or not: a configuration may name others.
CpuSet present_cpus(const Topology& topology) {
  auto cpus = topology.online;
  for (const auto& cpu : topology.cpus) {
    cpus.insert(cpu.number);
  }
  return cpus;
}

/// Dedicated vCPUs of one VM that have the same CPUs: a reason each, on every CPU of hundreds,
/// would be millions.
struct Group {
  CpuSet cpus;
  CpuSet vcpus;
  std::string source;
};

std::vector<Group> groups_of(const Vm& vm, const CpuSet& present) {
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (const auto& vcpu : vm.vcpus) {
    if (vcpu.dedicated && vcpu.cpus) {
      auto cpus = *vcpu.cpus & present;
      auto& group = groups[{cpus.to_list(), vcpu.source}];
      group.cpus = std::move(cpus);
      group.source = vcpu.source;
      group.vcpus.insert(vcpu.id);
    }
  }
  std::vector<Group> list;
  list.reserve(groups.size());
  for (auto& [key, group] : groups) {
    list.push_back(std::move(group));
  }
  return list;
}

void add_siblings(ProtectionMap& map, const Vm& vm, const Group& group, const Cpu& cpu) {
  for (const int sibling : cpu.siblings.cpus()) {
    if (sibling != cpu.number && !group.cpus.contains(sibling)) {
      map[sibling].push_back(
          {ProtectionKind::sibling, vm.name, group.vcpus, group.source, cpu.number, vm.pid});
    }
  }
}

void add_group(
    ProtectionMap& map, const Topology& topology, const Vm& vm, const Group& group, bool siblings) {
  for (const int number : group.cpus.cpus()) {
    map[number].push_back(
        {ProtectionKind::vcpu, vm.name, group.vcpus, group.source, std::nullopt, vm.pid});
    const auto* cpu = find_cpu(topology, number);
    if (siblings && cpu != nullptr) {
      add_siblings(map, vm, group, *cpu);
    }
  }
}

void add_pollers(ProtectionMap& map, const Host& host) {
  for (const auto& user : host.vfio_users) {
    for (const auto& thread : user.polling) {
      map[thread.cpu].push_back(
          {ProtectionKind::polling,
           {},
           {},
           fmt::format("{} of {} (process {})", thread.comm, user.comm, user.pid),
           std::nullopt,
           std::nullopt});
    }
  }
}

/// Equal for reasons that differ in the vCPU only.
auto but_for_vcpu(const Protection& reason) {
  return std::tie(reason.kind, reason.vm, reason.pid, reason.of, reason.source);
}

std::string vcpus_of(const Protection& protection, const CpuSet& vcpus) {
  return fmt::format(
      "{} {} of {}", vcpus.size() == 1 ? "vCPU" : "vCPUs", vcpus.to_list(), protection.vm);
}

std::string text_of(int cpu, const Protection& protection, const CpuSet& vcpus) {
  const auto who = fmt::format("{} ({})", vcpus_of(protection, vcpus), protection.source);
  switch (protection.kind) {
    case ProtectionKind::vcpu:
      return fmt::format("cpu{}: {}", cpu, who);
    case ProtectionKind::sibling:
      return fmt::format("cpu{}: sibling of cpu{}, {}", cpu, *protection.of, who);
    case ProtectionKind::polling:
      return fmt::format("cpu{}: polled by {}", cpu, protection.source);
    case ProtectionKind::user:
      return fmt::format("cpu{}: to be avoided ({})", cpu, protection.source);
    case ProtectionKind::isolated:
    case ProtectionKind::nohz_full:
    case ProtectionKind::cpuset:
      break;
  }
  return fmt::format("cpu{}: {} ({})", cpu, protection_text(protection.kind), protection.source);
}

/// True if the VM's pins are looked at.
bool counts(const Vm& vm, const ProtectionRules& rules) {
  return vm.protects && (is_running(vm) || rules.include_defined);
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
    case ProtectionKind::polling:
      return "polling";
    case ProtectionKind::user:
      return "user";
  }
  return "";
}

CpuSet pool_cpus(const Host& host, const ProtectionRules& rules, const ProtectionMap& protections) {
  CpuSet pool;
  for (const auto& vm : host.vms) {
    if (!counts(vm, rules)) {
      continue;
    }
    for (const auto& vcpu : vm.vcpus) {
      pool |= vcpu.pinned && !vcpu.dedicated && vcpu.cpus ? *vcpu.cpus : CpuSet{};
    }
  }
  return (pool & host.topology.online) - protected_cpus(protections);
}

ProtectionMap protections(const Host& host, const ProtectionRules& rules) {
  ProtectionMap map;
  const auto& topology = host.topology;
  const auto present = present_cpus(topology);
  for (const auto& vm : host.vms) {
    if (!counts(vm, rules)) {
      continue;
    }
    for (const auto& group : groups_of(vm, present)) {
      add_group(map, topology, vm, group, rules.siblings);
    }
  }
  const auto source = [&](const char* list) {
    return std::string(topology.isolation_asked ? "/proc/cmdline" : list);
  };
  add_all(
      map, topology.isolated, ProtectionKind::isolated, source("/sys/devices/system/cpu/isolated"));
  add_all(map,
          topology.nohz_full,
          ProtectionKind::nohz_full,
          source("/sys/devices/system/cpu/nohz_full"));
  for (const auto& partition : topology.partitions) {
    add_all(map, partition.cpus, ProtectionKind::cpuset, partition.source);
  }
  add_pollers(map, host);
  add_all(map, rules.avoid, ProtectionKind::user, "--avoid");
  for (auto& [cpu, reasons] : map) {
    std::ranges::sort(reasons, {}, [](const Protection& reason) {
      return std::tuple(reason.kind,
                        std::string_view(reason.vm),
                        reason.pid,
                        reason.vcpus.first(),
                        reason.of,
                        std::string_view(reason.source));
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

std::string vcpus_text(const Protection& protection) {
  return vcpus_of(protection, protection.vcpus);
}

std::string protection_text(int cpu, const Protection& protection) {
  return text_of(cpu, protection, protection.vcpus);
}

std::vector<std::string> protection_texts(int cpu, const std::vector<Protection>& reasons) {
  std::vector<std::pair<const Protection*, CpuSet>> groups;
  std::map<decltype(but_for_vcpu(reasons[0])), std::size_t> places;  // Index into groups
  for (const auto& reason : reasons) {
    const auto [place, is_new] = places.try_emplace(but_for_vcpu(reason), groups.size());
    if (is_new) {
      groups.push_back({&reason, {}});
    }
    groups[place->second].second |= reason.vcpus;
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
