// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/cpus/lscpu.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "read/cpus/lscpu_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace irqtune {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// How many bytes of a terminal's control sequence stand at the start of `text`; 0 if it is none.
/// One ends at its letter (ESC [ ... m), a string such as a link (ESC ]8;;URL) at BEL or ESC \.
std::size_t control_bytes(std::string_view text) noexcept {
  constexpr char kEscape = '\x1b';
  if (text.size() < 2 || text[0] != kEscape) {
    return 0;
  }
  if (text[1] == '[') {
    const auto end = text.find_first_not_of("0123456789;:?", 2);
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  if (text[1] != ']') {
    return 2;
  }
  const auto line = text.substr(0, text.find('\n'));
  const auto end = line.find_first_of("\x07\x1b", 2);
  if (end == std::string_view::npos) {
    return line.size();
  }
  return end + (line[end] == kEscape && end + 1 < line.size() && line[end + 1] == '\\' ? 2 : 1);
}

/// What a terminal would show: since util-linux 2.42 the titles of `lscpu -e` are links on any
/// terminal, and `script` keeps them. Source: util-linux 2.42 sys-utils/lscpu.c, --annotate.
std::string without_controls(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto plain = std::min(text.find('\x1b'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    text.remove_prefix(text.empty() ? 0 : std::max<std::size_t>(control_bytes(text), 1));
  }
  return out;
}

std::optional<CpuText> facts_from_plain_text(std::string_view text) {
  if (const auto table = find_parsable_table(text)) {
    return facts_from_table(*table);
  }
  if (const auto table = find_extended_table(text)) {
    return facts_from_table(*table);
  }
  auto numactl = facts_from_numactl(text);
  auto summary = facts_from_summary(summary_rows(text));
  if (numactl && summary) {  // Both tools' output in one file: only numactl knows distances.
    merge_cpu_text(numactl->topology, *summary);
    numactl->threads_per_core = summary->threads_per_core;
  }
  return numactl ? std::move(numactl) : std::move(summary);
}

template <typename T>
bool any_known(const Topology& topology, std::optional<T> Cpu::*fact) {
  return std::ranges::any_of(topology.cpus,
                             [&](const Cpu& cpu) { return (cpu.*fact).has_value(); });
}

/// Ids of one source mean nothing among those of another: all CPUs, or none.
template <typename T>
void fill_column(Topology& topology, const Topology& text, std::optional<T> Cpu::*fact) {
  if (any_known(topology, fact)) {
    return;
  }
  for (auto& cpu : topology.cpus) {
    if (const auto* other = find_cpu(text, cpu.number)) {
      cpu.*fact = other->*fact;
    }
  }
}

/// CPUs that only the text knows, where sysfs had no word on any.
void add_cpus(Topology& topology, const Topology& text) {
  const bool told = any_known(topology, &Cpu::core) || any_known(topology, &Cpu::package) ||
                    any_known(topology, &Cpu::node);
  if (told) {
    return;
  }
  const bool online_told = !topology.online.empty();
  for (const auto& other : text.cpus) {
    if (find_cpu(topology, other.number) != nullptr) {
      continue;
    }
    Cpu cpu;
    cpu.number = other.number;
    cpu.online = !online_told && other.online;
    const auto place = std::ranges::lower_bound(topology.cpus, cpu.number, {}, &Cpu::number);
    topology.cpus.insert(place, cpu);
  }
  topology.online = online_told ? topology.online : text.online;
  for (auto& cpu : topology.cpus) {
    cpu.online = topology.online.contains(cpu.number);
  }
}

void fill_nodes(Topology& topology, const Topology& text) {
  if (topology.nodes.empty()) {
    topology.nodes = text.nodes;
    for (auto& node : topology.nodes) {
      node.cpus = topology.online.empty() ? node.cpus : node.cpus & topology.online;
    }
    return;
  }
  const bool same_ids =
      std::ranges::equal(topology.nodes, text.nodes, {}, &NumaNode::id, &NumaNode::id);
  for (std::size_t i = 0; same_ids && i < topology.nodes.size(); ++i) {
    if (topology.nodes[i].distances.empty()) {
      topology.nodes[i].distances = text.nodes[i].distances;
    }
  }
}

void fill_cpu_nodes(Topology& topology, const Topology& text) {
  for (auto& cpu : topology.cpus) {
    const auto* other = find_cpu(text, cpu.number);
    if (cpu.node || other == nullptr || !other->node) {
      continue;
    }
    const auto node = std::ranges::find(topology.nodes, *other->node, &NumaNode::id);
    if (node == topology.nodes.end()) {
      continue;
    }
    cpu.node = node->id;
    if (cpu.online) {
      node->cpus.insert(cpu.number);
    }
  }
}

/// The nodes that only the CPUs name.
void add_nodes_of_cpus(Topology& topology) {
  std::map<NodeId, CpuSet> members;
  for (const auto& cpu : topology.cpus) {
    if (cpu.node && cpu.online) {
      members[*cpu.node].insert(cpu.number);
    }
  }
  for (const auto& [id, cpus] : members) {
    const auto place = std::ranges::lower_bound(topology.nodes, id, {}, &NumaNode::id);
    if (place == topology.nodes.end() || place->id != id) {
      topology.nodes.insert(place, {id, cpus, {}});
    }
  }
}

}  // namespace

CpuText parse_cpu_text(std::string_view text, std::string_view path) {
  const auto shown = without_controls(text);
  std::string_view rest = shown;
  if (rest.starts_with(kByteOrderMark)) {
    rest.remove_prefix(kByteOrderMark.size());
  }
  auto facts =
      trimmed(rest).starts_with('{') ? facts_from_json(trimmed(rest)) : facts_from_plain_text(rest);
  if (!facts) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: not the output of lscpu or numactl", path),
                "give what lscpu, lscpu -p, lscpu -e, lscpu --json or numactl --hardware prints; "
                "a table needs the CPU column");
  }
  complete_topology(facts->topology);
  for (auto& warning : facts->warnings) {
    warning = fmt::format("{}: {}", path, warning);
  }
  return *std::move(facts);
}

void complete_topology(Topology& topology) {
  std::ranges::sort(topology.cpus, {}, &Cpu::number);
  std::ranges::sort(topology.nodes, {}, &NumaNode::id);
  for (auto& cpu : topology.cpus) {
    cpu.online = topology.online.contains(cpu.number);
    const auto node = std::ranges::find_if(topology.nodes, [&](const NumaNode& candidate) {
      return candidate.cpus.contains(cpu.number);
    });
    cpu.node = cpu.node || node == topology.nodes.end() ? cpu.node : node->id;
  }
  add_nodes_of_cpus(topology);
  std::map<int, CpuSet> cores;
  for (const auto& cpu : topology.cpus) {
    if (cpu.core && cpu.online) {
      cores[*cpu.core].insert(cpu.number);
    }
  }
  for (auto& cpu : topology.cpus) {
    if (cpu.core && cpu.online) {
      cpu.siblings = cores[*cpu.core];
    }
  }
}

std::vector<std::string> merge_cpu_text(Topology& topology, const CpuText& text) {
  const auto& other = text.topology;
  const bool siblings_told =
      std::ranges::any_of(topology.cpus, [](const Cpu& cpu) { return !cpu.siblings.empty(); });
  add_cpus(topology, other);
  fill_column(topology, other, &Cpu::package);
  fill_column(topology, other, &Cpu::core);
  fill_column(topology, other, &Cpu::llc);
  for (auto& cpu : topology.cpus) {
    const auto* told = siblings_told ? nullptr : find_cpu(other, cpu.number);
    if (told != nullptr) {
      cpu.siblings = told->siblings & topology.online;
    }
  }
  fill_nodes(topology, other);
  fill_cpu_nodes(topology, other);
  const bool unknown = std::ranges::any_of(
      topology.cpus, [](const Cpu& cpu) { return cpu.online && cpu.siblings.empty(); });
  if (!unknown || text.threads_per_core.value_or(1) < 2) {
    return {};
  }
  return {fmt::format(
      "--lscpu: {} threads a core, and not which CPUs are siblings; lscpu -e tells them",
      *text.threads_per_core)};
}

}  // namespace irqtune
