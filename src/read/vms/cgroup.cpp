// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/vms.h"

#include "read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace irqtune {

namespace {

constexpr std::string_view kUnified = "/sys/fs/cgroup";
constexpr int kMaxDepth = 10;

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
    if (is_interface_file(name) || state.groups > kMaxGroups) {
      continue;
    }
    const auto child = fmt::format("{}/{}", directory, name);
    const auto kind = sysfs.read(child + "/cpuset.cpus.partition");
    if (!kind || ++state.groups > kMaxGroups) {
      continue;
    }
    const auto cpus = read_list(sysfs, child + "/cpuset.cpus.effective");
    if (trimmed(*kind) == "isolated" && cpus && !cpus->empty()) {
      state.found.push_back({printable(child) + ": cpuset.cpus.partition isolated", *cpus});
    }
    if (depth < kMaxDepth) {
      walk(sysfs, child, depth + 1, state);
    }
  }
}

/// Where the cpuset controller's directory of a thread is, and the file with its CPUs.
struct CpusetFile {
  std::string directory;  ///< Under /sys/fs/cgroup
  std::string_view name;
};

/// From /proc/PID/task/TID/cgroup: "0::/path" (v2) or "5:cpuset:/path" (v1). Never composed from
/// the VM's name, which libvirt shortens and escapes. Source: cgroups(7).
std::optional<CpusetFile> find_cpuset(std::string_view text) {
  std::optional<CpusetFile> found;
  while (!text.empty()) {
    auto line = take_until(text, '\n');
    const auto hierarchy = take_until(line, ':');
    const auto controllers = split(take_until(line, ':'), ',');
    if (line.find("/..") != std::string_view::npos) {
      continue;  // Outside of this process' cgroup namespace.
    }
    if (std::ranges::find(controllers, "cpuset") != controllers.end()) {
      return CpusetFile{fmt::format("{}/cpuset{}", kUnified, line), "cpuset.effective_cpus"};
    }
    if (hierarchy == "0" && controllers.empty()) {
      found = CpusetFile{fmt::format("{}{}", kUnified, line), "cpuset.cpus.effective"};
    }
  }
  return found;
}

/// The cpuset that holds for a directory: its own, or the nearest above it that has one.
std::optional<CpuSet> effective_cpus(const Sysfs& sysfs, CpusetFile file) {
  while (file.directory.size() > kUnified.size()) {
    while (file.directory.ends_with('/')) {
      file.directory.pop_back();
    }
    if (auto cpus = read_list(sysfs, fmt::format("{}/{}", file.directory, file.name))) {
      return cpus;
    }
    file.directory.resize(file.directory.rfind('/'));
  }
  return std::nullopt;
}

/// What a cgroup file says, and the cpuset that holds for it: threads share most.
using KnownCpusets = std::map<std::string, std::optional<CpuSet>>;

std::optional<CpuSet> thread_cpuset(const Sysfs& sysfs, int pid, int tid, KnownCpusets& known) {
  auto text = sysfs.read(fmt::format("/proc/{}/task/{}/cgroup", pid, tid));
  if (!text) {
    return std::nullopt;
  }
  const auto [found, is_new] = known.try_emplace(*std::move(text));
  const auto file = is_new ? find_cpuset(found->first) : std::nullopt;
  if (file) {
    found->second = effective_cpus(sysfs, *file);
  }
  return found->second;
}

}  // namespace

std::string too_many_groups(std::string_view root) {
  return fmt::format(
      "{}: more than {} cgroups; isolated CPUs of the others are not known (protect them by "
      "--avoid)",
      root,
      kMaxGroups);
}

namespace {

/// The cgroup of the main thread. libvirt's own below a VM's scope are passed by: it sets them when
/// it pins a thread.
void note_cpuset(const Sysfs& sysfs, const CpuSet& online, Vm& vm) {
  const auto text = sysfs.read(fmt::format("/proc/{}/cgroup", *vm.pid));
  auto file = text ? find_cpuset(*text) : std::nullopt;
  if (!file) {
    return;
  }
  for (const std::string_view own : {"/emulator", "/libvirt"}) {
    if (file->directory.ends_with(own)) {
      file->directory.resize(file->directory.size() - own.size());
    }
  }
  const auto cpus = effective_cpus(sysfs, *file);
  if (cpus && !cpus->empty() && !cpus->contains_all(online)) {
    vm.cpuset = cpus;
    vm.cgroup = file->directory.substr(kUnified.size());
  }
}

}  // namespace

void read_cgroups(const Sysfs& sysfs,
                  const Topology& topology,
                  VmFound& found,
                  std::vector<std::string>& warnings) {
  auto& vm = found.vm;
  note_cpuset(sysfs, topology.online, vm);
  bool restricted = false;
  std::map<std::pair<std::string, std::string>, CpuSet> odd;  // Cpuset and threads' CPUs -> vCPUs
  KnownCpusets known;
  for (auto& vcpu : vm.vcpus) {
    const auto cpus = thread_cpuset(sysfs, *vm.pid, vcpu.tid.value_or(*vm.pid), known);
    if (!cpus || cpus->empty() || cpus->contains_all(topology.online)) {
      continue;
    }
    restricted = true;
    if (!vcpu.cpus) {
      vcpu.cpus = cpus;
      vcpu.source = "cgroup";
    } else if (const auto usable = *vcpu.cpus & topology.online; !cpus->contains_all(usable)) {
      odd[{cpus->to_list(), usable.to_list()}].insert(vcpu.id);
    }
  }
  for (const auto& [lists, vcpus] : odd) {
    const bool one = vcpus.size() == 1;
    warnings.push_back(fmt::format("{}: its cgroup gives {} {} {}, the {} may run on {}",
                                   vm.name,
                                   one ? "vCPU" : "vCPUs",
                                   vcpus.to_list(),
                                   lists.first,
                                   one ? "thread" : "threads",
                                   lists.second));
  }
  if (restricted) {
    vm.sources.emplace_back("cgroup");
  }
}

std::optional<CpuSet> read_root_cpuset(const Sysfs& sysfs) {
  return read_list(sysfs, fmt::format("{}/cpuset.cpus.effective", kUnified));
}

std::vector<IsolatedSet> read_partitions(const Sysfs& sysfs, std::vector<std::string>& warnings) {
  const std::string root(kUnified);
  if (auto unbalanced = read_unbalanced_cpusets(sysfs, warnings); !unbalanced.empty()) {
    return unbalanced;  // A host has its cpusets in v1 or in v2.
  }
  const auto isolated = read_list(sysfs, root + "/cpuset.cpus.isolated");
  if (isolated && isolated->empty()) {
    return {};  // The kernel knows, and spares the walk.
  }
  Walk state;
  walk(sysfs, root, 0, state);
  if (!isolated && state.groups > kMaxGroups) {
    warnings.push_back(too_many_groups(root));
  }
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
