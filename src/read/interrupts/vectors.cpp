// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/cpus/cpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace irqtune {

namespace {

constexpr std::size_t kVectors = 256;  // Of an x86 CPU: no count can be larger.

/// The line above the table: "| CPU | avl | man | mac | act | vectors", before 4.19 without `mac`.
bool is_heading(const std::vector<std::string_view>& fields) {
  constexpr auto kCells = std::to_array<std::string_view>({"|", "CPU", "|", "avl", "|"});
  return fields.size() > kCells.size() && std::equal(kCells.begin(), kCells.end(), fields.begin());
}

}  // namespace

std::map<int, std::size_t> parse_vector_domain(std::string_view text) {
  std::map<int, std::size_t> free;
  bool in_table = false;
  for (const auto line : split(trimmed(text), '\n')) {
    const auto fields = words(line);
    if (!in_table) {
      in_table = is_heading(fields);
      continue;
    }
    const auto cpu = fields.size() > 1 ? parse_number<int>(fields[0]) : std::nullopt;
    const auto available = fields.size() > 1 ? parse_number<std::size_t>(fields[1]) : std::nullopt;
    const bool sound = cpu && *cpu >= 0 && *cpu < CpuSet::kMaxCpus && available &&
                       *available <= kVectors && free.emplace(*cpu, *available).second;
    if (!sound) {
      return {};
    }
  }
  return free;
}

void read_free_vectors(const Sysfs& sysfs, Topology& topology, std::vector<std::string>& warnings) {
  constexpr std::string_view kPath = "/sys/kernel/debug/irq/domains/VECTOR";
  const auto text = sysfs.read(kPath);
  const auto free = parse_vector_domain(text.value_or(""));
  if (free.empty() && !trimmed(text.value_or("")).empty()) {
    warnings.push_back(fmt::format(
        "{}: not the table that is known; how many vectors each CPU has left is not known", kPath));
  }
  for (auto& cpu : topology.cpus) {
    const auto found = free.find(cpu.number);
    if (found != free.end()) {
      cpu.free_vectors = found->second;
    }
  }
}

}  // namespace irqtune
