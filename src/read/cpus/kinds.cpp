// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/cpus/cpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace irqtune {

namespace {

constexpr std::array<std::pair<std::string_view, CpuKind>, 3> kPmus = {
    {{"core", CpuKind::performance},
     {"atom", CpuKind::efficiency},
     {"lowpower", CpuKind::low_power}}};

/// Cores of one kind that differ in their turbo only stay well above this share of the best.
constexpr double kAlike = 0.75;

/// A kernel that does not know them has no such file for any CPU.
/// Source: Linux drivers/base/arch_topology.c, register_cpu_capacity_sysctl()
void read_capacities(const Sysfs& sysfs, Topology& topology) {
  constexpr std::uint32_t kMost = 1U << 16;  // Far above what a kernel says, which is 1024 at most.
  for (auto& cpu : topology.cpus) {
    const auto text =
        sysfs.read(fmt::format("/sys/devices/system/cpu/cpu{}/cpu_capacity", cpu.number));
    if (!text && &cpu == &topology.cpus.front()) {
      return;
    }
    const auto value = text ? parse_number<std::uint32_t>(trimmed(*text)) : std::nullopt;
    if (value && *value > 0 && *value <= kMost) {
      cpu.capacity = static_cast<int>(*value);
    }
  }
}

/// True if there is one of `cpus`.
bool set_kind(const CpuSet& cpus, CpuKind kind, Topology& topology) {
  bool any = false;
  for (auto& cpu : topology.cpus) {
    if (cpus.contains(cpu.number)) {
      cpu.kind = kind;
      any = true;
    }
  }
  return any;
}

bool read_pmus(const Sysfs& sysfs, Topology& topology) {
  bool any = false;
  for (const auto& [name, kind] : kPmus) {
    const auto text = sysfs.read(fmt::format("/sys/devices/cpu_{}/cpus", name));
    const auto cpus = text ? CpuSet::parse_list(*text) : std::nullopt;
    any = set_kind(cpus.value_or(CpuSet{}), kind, topology) || any;
  }
  return any;
}

template <typename Fits>
int largest_capacity(const Topology& topology, Fits fits) {
  int largest = 0;
  for (const auto& cpu : topology.cpus) {
    largest = fits(cpu) ? std::max(largest, cpu.capacity.value_or(0)) : largest;
  }
  return largest;
}

bool falls_short(const Cpu& cpu, int of) {
  return cpu.capacity && *cpu.capacity < kAlike * of;
}

/// Atoms that get much less done than the fastest of them.
void find_low_power(Topology& topology) {
  const auto is_atom = [](const Cpu& cpu) { return cpu.kind == CpuKind::efficiency; };
  const int best = largest_capacity(topology, is_atom);
  for (auto& cpu : topology.cpus) {
    if (is_atom(cpu) && falls_short(cpu, best)) {
      cpu.kind = CpuKind::low_power;
    }
  }
}

/// Where only capacities tell: the fast ones and the others.
void tell_by_capacity(Topology& topology) {
  const int best = largest_capacity(topology, [](const Cpu&) { return true; });
  const bool differ =
      std::ranges::any_of(topology.cpus, [&](const Cpu& cpu) { return falls_short(cpu, best); });
  for (auto& cpu : topology.cpus) {
    if (differ && cpu.capacity) {
      cpu.kind = falls_short(cpu, best) ? CpuKind::efficiency : CpuKind::performance;
    }
  }
}

}  // namespace

void read_cpu_kinds(const Sysfs& sysfs, Topology& topology) {
  read_capacities(sysfs, topology);
  if (read_pmus(sysfs, topology)) {
    find_low_power(topology);
  } else {
    tell_by_capacity(topology);
  }
}

}  // namespace irqtune
