// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/cpu_set.h"

#include "read/cpus/lscpu_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace irqtune {

namespace {

/// A CPU of the table, and its place among the CPUs that have a core.
struct Member {
  int cpu = 0;
  std::size_t row = 0;
  std::size_t place = 0;
};

using Members = std::vector<Member>;

/// What threads of one core have in common besides the number of the core.
std::string key_of(const CpuColumns& columns, std::size_t row) {
  constexpr auto kCommon = std::to_array<const char*>(
      {"drawer", "book", "socket", "cluster", "node", "modelname", "maxmhz", "minmhz", "core"});
  std::string key;
  for (const auto* name : kCommon) {
    key += columns.cell(row, name);
    key += '/';
  }
  return key;
}

/// The members that share a near cache, each in one group.
std::vector<Members> by_caches(const CpuColumns& columns, const Members& members) {
  std::vector<Members> groups;
  std::map<std::string, std::size_t> group_of;
  for (const auto& member : members) {
    const auto caches = columns.near_caches(member.row);
    const auto shared = std::ranges::find_if(
        caches, [&](const std::string& cache) { return group_of.contains(cache); });
    const auto group = shared != caches.end() ? group_of.at(*shared) : groups.size();
    groups.resize(std::max(groups.size(), group + 1));
    groups[group].push_back(member);
    for (const auto& cache : caches) {
      group_of.emplace(cache, group);
    }
  }
  return groups;
}

bool has_caches(const CpuColumns& columns, const Members& members) {
  return std::ranges::none_of(
      members, [&](const Member& member) { return columns.near_caches(member.row).empty(); });
}

/// Only a cache can prove that threads with the same physical number are on one core, where no
/// socket is known.
bool needs_proof(const CpuColumns& columns, const Members& members) {
  return members.size() > 1 && columns.has("socket") &&
         columns.cell(members.front().row, "socket").empty();
}

/// The cores of CPUs with one number; none if nobody can tell. Threads of a core share caches, or
/// (POWER10, whose cores are fused of two) are numbered in a row.
std::vector<Members> cores_of(const CpuColumns& columns, const Members& members) {
  const bool in_a_row = members.back().place - members.front().place + 1 == members.size();
  const bool told = has_caches(columns, members);
  if (needs_proof(columns, members)) {
    return told ? by_caches(columns, members) : std::vector<Members>();
  }
  return in_a_row || !told ? std::vector<Members>{members} : by_caches(columns, members);
}

/// True if nothing but the number of the core says that its threads belong together.
bool is_by_number(const CpuColumns& columns, const Members& members) {
  return members.size() > 1 && !has_caches(columns, members);
}

/// The distance of a core's CPU numbers; 0 if they are not evenly spread.
int stride_of(const Members& members) {
  const int stride = members[1].cpu - members[0].cpu;
  for (std::size_t i = 1; i < members.size(); ++i) {
    if (members[i].cpu - members[i - 1].cpu != stride) {
      return 0;
    }
  }
  return stride;
}

/// True if the CPUs with one number are spread in different ways from core to core: firmware
/// numbers threads in a row, or all second threads behind all first ones. Numbers that repeat per
/// cluster
/// (-y) do not look like that.
bool is_uneven(const CpuColumns& columns, const std::map<std::string, Members>& by_key) {
  std::set<int> strides;
  for (const auto& [key, members] : by_key) {
    if (is_by_number(columns, members)) {
      strides.insert(stride_of(members));
    }
  }
  return strides.size() > 1;
}

/// True if several sockets have no number in common: lscpu's own numbers, which go on from socket
/// to socket, where physical ones (-y) begin again.
bool goes_on(const CpuColumns& columns, const std::map<std::string, Members>& by_key) {
  std::map<std::string_view, std::set<std::string_view>> sockets_of;
  std::set<std::string_view> sockets;
  for (const auto& [key, members] : by_key) {
    const auto row = members.front().row;
    const auto socket = columns.cell(row, "socket");
    sockets.insert(socket);
    sockets_of[columns.cell(row, "core")].insert(socket);
  }
  return sockets.size() > 1 && !sockets.contains("") &&
         std::ranges::all_of(sockets_of, [](const auto& core) { return core.second.size() == 1; });
}

CpuSet cpus_of(const Members& members) {
  CpuSet cpus;
  for (const auto& member : members) {
    cpus.insert(member.cpu);
  }
  return cpus;
}

/// Notes the first CPU of each CPU's core; false if there are no cores.
bool add_leaders(const std::vector<Members>& cores, std::map<int, std::size_t>& leader) {
  for (const auto& core : cores) {
    for (const auto& member : core) {
      leader.emplace(member.cpu, core.front().place);
    }
  }
  return !cores.empty();
}

/// CPUs of different cores that share a cache of level 1, by that cache; an instruction cache is
/// enough.
std::map<std::string, std::set<int>> cpus_by_l1(const CpuColumns& columns,
                                                const std::map<int, std::size_t>& rows,
                                                const std::map<int, std::size_t>& leader) {
  std::map<std::string, std::set<int>> sharers;
  for (const auto& [cpu, row] : rows) {
    auto caches =
        leader.contains(cpu) ? columns.near_caches(row) : decltype(columns.near_caches(row)){};
    std::erase_if(caches, [](const auto& cache) { return !cache.starts_with("l1"); });
    for (const auto& cache : caches) {
      sharers[std::string(cache)].insert(cpu);
    }
  }
  return sharers;
}

std::set<std::size_t> cores_of(const std::set<int>& cpus,
                               const std::map<int, std::size_t>& leader) {
  std::set<std::size_t> cores;
  for (const int cpu : cpus) {
    cores.insert(leader.at(cpu));
  }
  return cores;
}

void make_one_core(const std::set<std::size_t>& cores, std::map<int, std::size_t>& leader) {
  for (auto& [cpu, first] : leader) {
    first = cores.contains(first) ? *cores.begin() : first;
  }
}

/// Makes one core of cores that share a cache of level 1, as the two of an AMD module do, whose
/// physical numbers differ (-y). What more than 8 CPUs or all of them share is no core's (emulators
/// describe such caches): that is told.
void join_modules(const CpuColumns& columns,
                  const std::map<int, std::size_t>& rows,
                  std::map<int, std::size_t>& leader,
                  std::vector<std::string>& warnings) {
  constexpr std::size_t kMostThreads = 8;
  CpuSet odd;
  for (const auto& [cache, cpus] : cpus_by_l1(columns, rows, leader)) {
    const auto cores = cores_of(cpus, leader);
    const bool all = cpus.size() > kMostThreads || cpus.size() == leader.size();
    if (cores.size() >= 2 && !all) {
      make_one_core(cores, leader);
    }
    for (const int cpu : cores.size() >= 2 && all ? cpus : std::set<int>{}) {
      odd.insert(cpu);
    }
  }
  if (!odd.empty()) {
    warnings.push_back(
        fmt::format("CPUs {} share a cache of level 1 and have cores of their own; taken as cores",
                    odd.to_list()));
  }
}

}  // namespace

std::map<int, int> number_cores(const CpuColumns& columns,
                                const std::map<int, std::size_t>& rows,
                                std::vector<std::string>& warnings) {
  std::map<std::string, Members> by_key;
  std::size_t place = 0;
  for (const auto& [cpu, row] : rows) {
    if (!columns.cell(row, "core").empty()) {
      by_key[key_of(columns, row)].push_back({cpu, row, place++});
    }
  }
  std::map<int, std::size_t> leader;  // The first CPU of each CPU's core.
  CpuSet unproved;
  const bool uneven = !goes_on(columns, by_key) && is_uneven(columns, by_key);
  for (const auto& [key, members] : by_key) {
    const bool doubtful = uneven && is_by_number(columns, members);
    const bool proved = !doubtful && add_leaders(cores_of(columns, members), leader);
    unproved |= proved ? CpuSet() : cpus_of(members);
  }
  join_modules(columns, rows, leader, warnings);
  if (!unproved.empty()) {
    warnings.push_back(
        fmt::format("the cores of CPUs {} are not known: physical numbers (lscpu -y) repeat, and "
                    "no cache tells "
                    "them apart; give what lscpu -e prints, without -y",
                    unproved.to_list()));
  }
  std::map<std::size_t, int> numbers;
  std::map<int, int> cores;
  for (const auto& [cpu, first] : leader) {
    cores.emplace(cpu, numbers.try_emplace(first, static_cast<int>(numbers.size())).first->second);
  }
  return cores;
}

}  // namespace irqtune
