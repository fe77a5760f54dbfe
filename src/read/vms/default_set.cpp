// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/vms.h"

#include "read/vms/sources.h"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace irqtune {

namespace {

constexpr std::string_view kInit = "/proc/1/status";

/// What PID 1 may use, the possible CPUs included.
std::optional<CpuSet> allowed_to_init(const Sysfs& sysfs) {
  const auto status = sysfs.read(kInit);
  const auto list = status ? status_field(*status, "Cpus_allowed_list") : std::nullopt;
  return list ? CpuSet::parse_list(trimmed(*list)) : std::nullopt;
}

/// Where nothing tells of PID 1: what partitions and isolation leave to everybody.
DefaultSet left_to_all(const Sysfs& sysfs, const Topology& topology) {
  CpuSet taken = topology.isolated;
  for (const auto& partition : topology.partitions) {
    taken |= partition.cpus;
  }
  const auto root = read_root_cpuset(sysfs).value_or(topology.online) & topology.online;
  const auto rest = (root.empty() ? topology.online : root) - taken;
  const auto& cpus = rest.empty() ? topology.online : rest;
  return {cpus, {fmt::format("online CPUs, less isolated ones: {}", cpus.to_list())}};
}

DefaultSet of_init(const Sysfs& sysfs, const Topology& topology) {
  const auto allowed = allowed_to_init(sysfs).value_or(CpuSet{}) & topology.online;
  return allowed.empty() ? left_to_all(sysfs, topology)
                         : DefaultSet{allowed, {fmt::format("PID 1: {}", allowed.to_list())}};
}

}  // namespace

DefaultSet read_default_set(const Sysfs& sysfs, const Topology& topology) {
  auto found = of_init(sysfs, topology);
  auto common = found.cpus;
  std::vector<std::string> cut;
  for (const std::string_view slice : {"init.scope", "system.slice", "user.slice"}) {
    const auto text = sysfs.read(fmt::format("/sys/fs/cgroup/{}/cpuset.cpus.effective", slice));
    const auto cpus = text ? CpuSet::parse_list(*text) : std::nullopt;
    if (cpus && !cpus->contains_all(found.cpus)) {
      common = common & *cpus;
      cut.push_back(fmt::format("{}: {}", slice, cpus->to_list()));
    }
  }
  if (!cut.empty() && !common.empty()) {
    found.cpus = std::move(common);
    found.sources.insert(found.sources.end(), cut.begin(), cut.end());
  }
  return found;
}

}  // namespace irqtune
