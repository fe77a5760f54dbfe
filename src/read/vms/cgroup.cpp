// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "read/vms/sources.h"

namespace irqtune {

namespace {

constexpr std::string_view kUnified = "/sys/fs/cgroup";
constexpr int kMaxDepth = 10;
constexpr std::size_t kMaxGroups = 4096;

/// The kernel's own files in a cgroup directory; whatever else there is, is a child.
bool is_interface_file(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 11> kPrefixes = {"cgroup.",
                                                          "cpu.",
                                                          "cpuset.",
                                                          "io.",
                                                          "memory.",
                                                          "pids.",
                                                          "hugetlb.",
                                                          "rdma.",
                                                          "misc.",
                                                          "dmem.",
                                                          "irq."};
  return std::ranges::any_of(kPrefixes,
                             [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::optional<CpuSet> read_list(const Sysfs& sysfs, const std::string& path) {
  const auto text = sysfs.read(path);
  return text ? CpuSet::parse_list(*text) : std::nullopt;
}

struct Walk {
  std::vector<IsolatedSet> found;
  std::size_t groups = 0;
};

/// Visits the children that have a cpuset: a partition cannot lie below one that has none.
void walk(const Sysfs& sysfs, const std::string& directory, int depth, Walk& state) {
  for (const auto& name : sysfs.list(directory)) {
    if (is_interface_file(name) || state.groups >= kMaxGroups) {
      continue;
    }
    const auto child = directory + '/' + name;
    const auto kind = sysfs.read(child + "/cpuset.cpus.partition");
    if (!kind) {
      continue;
    }
    ++state.groups;
    const auto cpus = read_list(sysfs, child + "/cpuset.cpus.effective");
    if (trimmed(*kind) == "isolated" && cpus && !cpus->empty()) {
      state.found.push_back({printable(child) + ": cpuset.cpus.partition isolated", *cpus});
    }
    if (depth < kMaxDepth) {
      walk(sysfs, child, depth + 1, state);
    }
  }
}

}  // namespace

std::vector<IsolatedSet> read_partitions(const Sysfs& sysfs) {
  const std::string root(kUnified);
  const auto isolated = read_list(sysfs, root + "/cpuset.cpus.isolated");
  if (isolated && isolated->empty()) {
    return {};  // The kernel knows, and spares the walk.
  }
  Walk state;
  walk(sysfs, root, 0, state);
  CpuSet known = read_list(sysfs, "/sys/devices/system/cpu/isolated").value_or(CpuSet{});
  for (const auto& partition : state.found) {
    known |= partition.cpus;
  }
  if (isolated && !known.contains_all(*isolated)) {
    state.found.push_back({root + ": cpuset.cpus.isolated", *isolated - known});
  }
  return std::move(state.found);
}

}  // namespace irqtune
