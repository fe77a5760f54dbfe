// SPDX-License-Identifier: Apache-2.0
#include "report/text/cpu_blocks.h"

#include "report/text/text_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

namespace irqtune {

namespace {

/// The CPUs of each core, cores by lowest CPU; CPUs of unknown core stand alone.
std::vector<Core> cores_of(const Topology& topology) {
  std::vector<Core> cores;
  std::map<int, std::size_t> index;
  for (const auto& cpu : topology.cpus) {
    const bool known = cpu.core && cpu.online;
    const auto at = known ? index.try_emplace(*cpu.core, cores.size()).first->second : cores.size();
    cores.resize(std::max(cores.size(), at + 1));
    cores[at].push_back(&cpu);
  }
  return cores;
}

std::string block_title(const Cpu& cpu) {
  std::vector<std::string> parts;
  if (cpu.package) {
    parts.push_back(fmt::format("package {}", *cpu.package));
  }
  if (cpu.node) {
    parts.push_back("node " + node_text(cpu.node));
  }
  if (cpu.llc) {
    parts.push_back(fmt::format("cache {}", *cpu.llc));
  }
  return parts.empty() ? (cpu.online ? "CPUs of unknown place" : "offline")
                       : fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::vector<Block> blocks_of(const Topology& topology) {
  std::vector<Block> blocks;
  for (auto& core : cores_of(topology)) {
    const auto title = block_title(*core.front());
    auto block = std::ranges::find(blocks, title, &Block::title);
    if (block == blocks.end()) {
      block = blocks.insert(blocks.end(), {title, {}, {}});
    }
    for (const auto* cpu : core) {
      block->cpus.insert(cpu->number);
    }
    block->cores.push_back(std::move(core));
  }
  return blocks;
}

}  // namespace irqtune
