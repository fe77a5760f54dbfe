// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/vms/sources.h"

#include <fmt/format.h>

namespace irqtune {

namespace {

constexpr std::string_view kRoot = "/sys/fs/cgroup/cpuset";
constexpr int kMaxDepth = 10;

struct Walk {
  std::vector<IsolatedSet> unbalanced;
  CpuSet balanced;
  std::size_t sets = 0;
};

CpuSet cpus_of(const Sysfs& sysfs, const std::string& directory) {
  for (const auto* name : {"cpuset.effective_cpus", "cpuset.cpus"}) {  // The first since 3.17
    const auto text = sysfs.read(fmt::format("{}/{}", directory, name));
    if (const auto cpus = text ? CpuSet::parse_list(*text) : std::nullopt) {
      return *cpus;
    }
  }
  return {};
}

void walk(const Sysfs& sysfs, const std::string& directory, int depth, Walk& state) {
  for (const auto& name : sysfs.list(directory)) {
    const auto child = fmt::format("{}/{}", directory, name);
    const auto flag =
        state.sets <= kMaxGroups ? sysfs.read(child + "/cpuset.sched_load_balance") : std::nullopt;
    if (!flag || ++state.sets > kMaxGroups) {
      continue;
    }
    auto cpus = cpus_of(sysfs, child);
    if (trimmed(*flag) == "0") {
      state.unbalanced.push_back(
          {printable(child) + ": cpuset.sched_load_balance 0", std::move(cpus)});
    } else {
      state.balanced |= cpus;
    }
    if (depth < kMaxDepth) {
      walk(sysfs, child, depth + 1, state);
    }
  }
}

}  // namespace

std::vector<IsolatedSet> read_unbalanced_cpusets(const Sysfs& sysfs,
                                                 std::vector<std::string>& warnings) {
  const std::string root(kRoot);
  const auto flag = sysfs.read(root + "/cpuset.sched_load_balance");
  if (!flag || trimmed(*flag) != "0") {
    return {};  // The root's cpuset has all CPUs, and so balances all of them.
  }
  Walk state;
  walk(sysfs, root, 0, state);
  if (state.sets > kMaxGroups) {
    warnings.push_back(too_many_groups(root));
  }
  for (auto& set : state.unbalanced) {
    set.cpus = set.cpus - state.balanced;
  }
  std::erase_if(state.unbalanced, [](const IsolatedSet& set) { return set.cpus.empty(); });
  return std::move(state.unbalanced);
}

}  // namespace irqtune
