// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/cpu_set.h"

#include "read/cpus/lscpu_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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
  for (const auto& [key, members] : by_key) {
    const bool proved = add_leaders(cores_of(columns, members), leader);
    unproved |= proved ? CpuSet() : cpus_of(members);
  }
  if (!unproved.empty()) {
    warnings.push_back(fmt::format(
        "the cores of CPUs {} are not known: their physical numbers repeat; leave out lscpu's -y",
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
