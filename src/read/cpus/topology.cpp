// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/kernel_parameters.h"
#include "irqtune/core/text.h"

#include "read/cpus/cpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace irqtune {

namespace {

constexpr std::string_view kCpuDir = "/sys/devices/system/cpu";
constexpr std::string_view kNodeDir = "/sys/devices/system/node";
constexpr int kMaxNodes = 1024;  // Source: Linux, CONFIG_NODES_SHIFT is at most 10.

/// N of each entry `prefix`N of a directory, ascending; those from `limit` on are none.
std::vector<int> numbered(const Sysfs& sysfs,
                          std::string_view dir,
                          std::string_view prefix,
                          int limit = CpuSet::kMaxCpus) {
  std::vector<int> numbers;
  for (const auto& name : sysfs.list(dir)) {
    const auto number = name.starts_with(prefix)
                            ? parse_number<int>(std::string_view(name).substr(prefix.size()))
                            : std::nullopt;
    if (number && *number >= 0 && *number < limit) {
      numbers.push_back(*number);
    }
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::optional<int> read_int(const Sysfs& sysfs, const std::string& path) {
  const auto text = sysfs.read(path);
  const auto number = text ? parse_number<int>(trimmed(*text)) : std::nullopt;
  return number && *number >= 0 ? number : std::nullopt;  // -1 is sysfs' word for unknown.
}

/// A CPU list file; empty optional if it is absent. " (null)", as 6.12 prints an unset nohz_full,
/// is an empty list; anything else that is no list is told.
std::optional<CpuSet> read_list(const Sysfs& sysfs,
                                const std::string& path,
                                std::vector<std::string>& warnings) {
  const auto text = sysfs.read(path);
  if (!text) {
    return std::nullopt;
  }
  if (trimmed(*text) == "(null)") {
    return CpuSet{};
  }
  std::string why;
  auto list = CpuSet::parse_list(*text, &why);
  if (!list) {
    warnings.push_back(fmt::format("{}: {}; not used", path, why));
  }
  return list;
}

CpuSet list_or_mask(const Sysfs& sysfs,
                    const std::string& list_path,
                    const std::string& mask_path) {
  const auto list = sysfs.read(list_path);
  if (auto cpus = list ? CpuSet::parse_list(*list) : std::nullopt) {
    return *std::move(cpus);
  }
  const auto mask = sysfs.read(mask_path);  // Kernels before 3.x have only the mask.
  return mask ? CpuSet::parse_mask(*mask).value_or(CpuSet{}) : CpuSet{};
}

/// The CPUs that share the last-level cache, the data or unified cache of the highest level.
CpuSet read_llc(const Sysfs& sysfs, const std::string& cache_dir) {
  CpuSet best;
  int best_level = 0;
  for (const int index : numbered(sysfs, cache_dir, "index")) {
    const auto dir = fmt::format("{}/index{}", cache_dir, index);
    const auto level = read_int(sysfs, dir + "/level").value_or(0);
    if (level <= best_level || sysfs.read(dir + "/type") == "Instruction") {
      continue;
    }
    auto shared = list_or_mask(sysfs, dir + "/shared_cpu_list", dir + "/shared_cpu_map");
    if (!shared.empty()) {
      best = std::move(shared);
      best_level = level;
    }
  }
  return best;
}

/// What sysfs says of one CPU in its own words; made into host-wide ids afterwards.
struct RawCpu {
  std::optional<int> core_id;
  CpuSet llc;
};

Cpu read_cpu(const Sysfs& sysfs, int number, RawCpu& raw) {
  const auto topology = fmt::format("{}/cpu{}/topology/", kCpuDir, number);
  Cpu cpu;
  cpu.number = number;
  cpu.package = read_int(sysfs, topology + "physical_package_id");
  cpu.die = read_int(sysfs, topology + "die_id");
  raw.core_id = read_int(sysfs, topology + "core_id");
  cpu.siblings = list_or_mask(sysfs, topology + "core_cpus_list", topology + "core_cpus");
  if (cpu.siblings.empty()) {  // Before 5.3 under its old name only.
    cpu.siblings =
        list_or_mask(sysfs, topology + "thread_siblings_list", topology + "thread_siblings");
  }
  return cpu;
}

/// Where a group of CPUs was read first, by CPU.
using FirstOf = std::map<int, std::size_t>;

void remember(const CpuSet& cpus, std::size_t index, FirstOf& first) {
  for (const int cpu : cpus.cpus()) {
    first.try_emplace(cpu, index);
  }
}

/// Reads every CPU; what siblings or a cache share is read of the first of them only, since opening
/// small files is what costs on a big host.
std::vector<Cpu> read_cpus(const Sysfs& sysfs,
                           const std::vector<int>& present,
                           std::vector<RawCpu>& raw) {
  std::vector<Cpu> cpus;
  FirstOf first_sibling;
  FirstOf first_in_llc;
  for (std::size_t i = 0; i < present.size(); ++i) {
    const int number = present[i];
    if (const auto sibling = first_sibling.find(number); sibling != first_sibling.end()) {
      cpus.push_back(cpus[sibling->second]);
      cpus.back().number = number;
      raw[i].core_id = raw[sibling->second].core_id;
    } else {
      cpus.push_back(read_cpu(sysfs, number, raw[i]));
      remember(cpus.back().siblings, i, first_sibling);
    }
    if (const auto sharer = first_in_llc.find(number); sharer != first_in_llc.end()) {
      raw[i].llc = raw[sharer->second].llc;
    } else {
      raw[i].llc = read_llc(sysfs, fmt::format("{}/cpu{}/cache", kCpuDir, number));
      remember(raw[i].llc, i, first_in_llc);
    }
  }
  return cpus;
}

/// Numbers things 0, 1, ... in the order in which they are met.
template <typename Key>
class Numbering {
 public:
  int operator()(const Key& key) {
    return ids_.try_emplace(key, static_cast<int>(ids_.size())).first->second;
  }

 private:
  std::map<Key, int> ids_;
};

/// core_id and cache ids repeat per package; siblings and sharing do not.
void number_cores(std::vector<Cpu>& cpus, const std::vector<RawCpu>& raw) {
  Numbering<std::tuple<int, int, int, int>> core;
  Numbering<int> llc;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    auto& cpu = cpus[i];
    if (const auto first = cpu.siblings.first()) {
      cpu.core = core({0, 0, 0, *first});
    } else if (raw[i].core_id) {
      cpu.core = core({1, cpu.package.value_or(-1), cpu.die.value_or(-1), *raw[i].core_id});
    }
    if (const auto first = raw[i].llc.first()) {
      cpu.llc = llc(*first);
    }
  }
}

/// The threads of a core are siblings, also where sysfs does not list them.
void derive_siblings(std::vector<Cpu>& cpus) {
  std::map<int, CpuSet> threads;
  for (const auto& cpu : cpus) {
    if (cpu.online && cpu.core) {
      threads[*cpu.core].insert(cpu.number);
    }
  }
  for (auto& cpu : cpus) {
    if (cpu.online && cpu.core && cpu.siblings.empty()) {
      cpu.siblings = threads[*cpu.core];
    }
  }
}

/// The present CPUs: by their directories, else by the kernel's lists, which is all that some trees
/// have.
std::vector<int> read_present(const Sysfs& sysfs) {
  auto present = numbered(sysfs, kCpuDir, "cpu");
  for (const std::string_view name : {"present", "online"}) {
    const auto text =
        present.empty() ? sysfs.read(fmt::format("{}/{}", kCpuDir, name)) : std::nullopt;
    const auto listed = text ? CpuSet::parse_list(*text) : std::nullopt;
    present = listed ? listed->cpus() : std::move(present);
  }
  return present;
}

/// The online CPUs: the kernel's list, else what each CPU's own `online` file says (CPU 0 often has
/// none).
CpuSet read_online(const Sysfs& sysfs,
                   const std::vector<int>& present,
                   std::vector<std::string>& warnings) {
  if (auto online = read_list(sysfs, fmt::format("{}/online", kCpuDir), warnings)) {
    return *std::move(online);
  }
  CpuSet online;
  for (const int cpu : present) {
    if (read_int(sysfs, fmt::format("{}/cpu{}/online", kCpuDir, cpu)) != 0) {
      online.insert(cpu);
    }
  }
  return online;
}

/// The numbers of a node<N>/distance; empty, with a warning, where they are not one for each node.
std::vector<int> read_distances(const Sysfs& sysfs,
                                const std::string& path,
                                std::size_t nodes,
                                std::vector<std::string>& warnings) {
  const auto text = sysfs.read(path).value_or("");
  std::vector<int> distances;
  for (const auto word : words(text)) {
    const int number = parse_number<int>(word).value_or(0);
    if (number < 1 || number > kMaxDistance) {
      constexpr std::size_t kShown = 20;
      warnings.push_back(fmt::format(
          "{}: '{}' is no distance; not used", path, printable(word.substr(0, kShown))));
      return {};
    }
    distances.push_back(number);
  }
  if (!distances.empty() && distances.size() != nodes) {
    warnings.push_back(
        fmt::format("{}: {} numbers for {} nodes; not used", path, distances.size(), nodes));
    return {};
  }
  return distances;
}

std::vector<NumaNode> read_nodes(const Sysfs& sysfs, std::vector<std::string>& warnings) {
  const auto numbers = numbered(sysfs, kNodeDir, "node", kMaxNodes);
  std::vector<NumaNode> nodes;
  for (const int number : numbers) {
    const auto dir = fmt::format("{}/node{}", kNodeDir, number);
    NumaNode node;
    node.id = NodeId{static_cast<std::uint32_t>(number)};
    if (sysfs.exists(dir + "/cpulist")) {
      node.cpus = read_list(sysfs, dir + "/cpulist", warnings).value_or(CpuSet{});
    } else {
      node.cpus = list_or_mask(sysfs, dir + "/cpulist", dir + "/cpumap");
    }
    node.distances = read_distances(sysfs, dir + "/distance", numbers.size(), warnings);
    nodes.push_back(std::move(node));
  }
  return nodes;
}

/// A tree may lack the kernel's lists; then what was asked of it has to do.
void read_isolation(const Sysfs& sysfs,
                    std::optional<int> last_cpu,
                    Topology& topology,
                    std::vector<std::string>& warnings) {
  const auto isolated = read_list(sysfs, fmt::format("{}/isolated", kCpuDir), warnings);
  const auto nohz_full = read_list(sysfs, fmt::format("{}/nohz_full", kCpuDir), warnings);
  topology.isolation_asked = !isolated;
  CpuParameters asked;
  if (!isolated) {
    const auto text = sysfs.read("/proc/cmdline").value_or("");
    asked = cpu_parameters(parse_kernel_parameters(text), last_cpu);
  }
  topology.isolated = isolated.value_or(asked.domain.value_or(CpuSet{}));
  topology.nohz_full = nohz_full.value_or(asked.nohz_full.value_or(CpuSet{}));
}

void set_nodes(Topology& topology) {
  for (auto& cpu : topology.cpus) {
    const auto node = std::ranges::find_if(
        topology.nodes, [&](const NumaNode& one) { return one.cpus.contains(cpu.number); });
    if (node != topology.nodes.end()) {
      cpu.node = node->id;
    }
  }
}

}  // namespace

Topology read_topology(const Sysfs& sysfs, std::vector<std::string>& warnings) {
  Topology topology;
  const auto present = read_present(sysfs);
  std::vector<RawCpu> raw(present.size());
  topology.cpus = read_cpus(sysfs, present, raw);
  const auto last_cpu = present.empty() ? std::nullopt : std::optional(present.back());
  read_isolation(sysfs, last_cpu, topology, warnings);
  if (present.empty()) {
    return topology;
  }
  topology.online = read_online(sysfs, present, warnings);
  // Then no two CPUs on line are threads of one core, whether their files list that or not.
  const bool no_smt =
      trimmed(sysfs.read(fmt::format("{}/smt/active", kCpuDir)).value_or("")) == "0";
  for (auto& cpu : topology.cpus) {
    cpu.online = topology.online.contains(cpu.number);
    cpu.siblings = cpu.siblings & topology.online;
    if (no_smt && cpu.online) {
      cpu.siblings = CpuSet{cpu.number};
    }
  }
  number_cores(topology.cpus, raw);
  derive_siblings(topology.cpus);
  topology.nodes = read_nodes(sysfs, warnings);
  set_nodes(topology);
  read_cpu_kinds(sysfs, topology);
  return topology;
}

}  // namespace irqtune
