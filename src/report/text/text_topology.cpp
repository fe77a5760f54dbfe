// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "report/text/cpu_blocks.h"
#include "report/text/cpu_marks.h"
#include "report/text/table.h"
#include "report/text/text_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

namespace irqtune {

namespace {

/// One CPU of the map.
struct Cell {
  int cpu = 0;
  std::string mark;
  std::size_t vectors = 0;
  bool collides = false;
};

using VectorCounts = std::map<int, std::size_t>;

VectorCounts vectors_by_cpu(const Host& host) {
  VectorCounts vectors;
  for (const auto& irq : host.irqs) {
    const auto at = irq.vector ? only_cpu(delivery_of(host, irq)) : std::nullopt;
    if (at) {
      ++vectors[*at];
    }
  }
  return vectors;
}

/// Column widths of a cell's three parts.
struct Widths {
  std::size_t cpu = 1;
  std::size_t mark = 1;
  std::size_t vectors = 0;
};

std::string number_or_blank(std::size_t number) {
  return number > 0 ? fmt::format("{}", number) : "";
}

Widths widths_of(const std::map<int, Cell>& cells) {
  Widths widths;
  for (const auto& [cpu, cell] : cells) {
    widths.cpu = std::max(widths.cpu, fmt::formatted_size("{}", cpu));
    widths.mark = std::max(widths.mark, cell.mark.size());
    widths.vectors = std::max(widths.vectors, number_or_blank(cell.vectors).size());
  }
  return widths;
}

std::string cell_text(const Cell& cell, const Widths& widths, const TextStyle& style) {
  const auto text = fmt::format("{:>{}} {:<{}} {:>{}}",
                                cell.cpu,
                                widths.cpu,
                                cell.mark,
                                widths.mark,
                                number_or_blank(cell.vectors),
                                widths.vectors);
  return cell.collides ? tinted(style, Tint::red, text) : text;
}

/// How a block is laid out: a power of two cores in a line of at most `style.width` columns.
struct Grid {
  Widths widths;
  std::size_t columns = 1;
};

constexpr std::size_t kMargin = 2;
constexpr std::size_t kGap = 2;

std::size_t cell_width(const Widths& widths) {
  return widths.cpu + widths.mark + widths.vectors + 2;
}

Grid grid_of(const std::map<int, Cell>& cells, const TextStyle& style) {
  Grid grid{widths_of(cells)};
  const auto width = cell_width(grid.widths) + kGap;
  while (kMargin + 2 * grid.columns * width <= style.width + kGap) {
    grid.columns *= 2;
  }
  return grid;
}

/// One thread of some cores.
std::string line_text(std::span<const Core> cores,
                      std::size_t thread,
                      const std::map<int, Cell>& cells,
                      const Grid& grid,
                      const TextStyle& style) {
  std::string line(kMargin, ' ');
  for (const auto& core : cores) {
    line += thread < core.size() ? cell_text(cells.at(core[thread]->number), grid.widths, style)
                                 : std::string(cell_width(grid.widths), ' ');
    line += std::string(kGap, ' ');
  }
  return line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
}

/// One below the other the threads of a core.
std::string block_text(const Block& block,
                       const std::map<int, Cell>& cells,
                       const Grid& grid,
                       const TextStyle& style) {
  std::string out;
  for (std::span<const Core> rest = block.cores; !rest.empty();) {
    const auto cores = rest.first(std::min(grid.columns, rest.size()));
    const auto threads = std::ranges::max_element(cores, {}, &Core::size)->size();
    for (std::size_t thread = 0; thread < threads; ++thread) {
      out += line_text(cores, thread, cells, grid, style);
    }
    rest = rest.subspan(cores.size());
  }
  return out;
}

std::string summary_line(std::string_view what, const CpuSet& cpus, const VectorCounts& vectors) {
  std::size_t count = 0;
  for (const auto& [cpu, number] : vectors) {
    count += cpus.contains(cpu) ? number : 0;
  }
  return cpus.empty() ? std::string{}
                      : fmt::format("{}: {}, {} ({})\n",
                                    what,
                                    counted(cpus.size(), "CPU"),
                                    counted(count, "vector"),
                                    cut(cpus.to_list(), 60));
}

std::string nodes_text(const Topology& topology) {
  std::string out;
  for (const auto& node : topology.nodes) {
    out += fmt::format(
        "node {}: CPUs {}; distances {}\n",
        static_cast<std::uint32_t>(node.id),
        node.cpus.empty() ? "none (memory only)" : node.cpus.to_list(),
        node.distances.empty() ? "unknown" : fmt::format("{}", fmt::join(node.distances, " ")));
  }
  return out;
}

/// "not pinned means: may run on 0-1,6-15 (PID 1: 0-15; system.slice: 0-1,6-15)"
std::string default_set_text(const DefaultSet& usual) {
  return usual.cpus.empty() ? std::string{}
                            : fmt::format("default set: CPUs {} ({})\n",
                                          cut(usual.cpus.to_list(), 60),
                                          fmt::join(usual.sources, "; "));
}

/// "performance cores: CPUs 0-11"; nothing where all are alike.
std::string kinds_text(const Topology& topology) {
  std::map<CpuKind, CpuSet> kinds;
  for (const auto& cpu : topology.cpus) {
    if (cpu.kind) {
      kinds[*cpu.kind].insert(cpu.number);
    }
  }
  std::string out;
  for (const auto& [kind, cpus] : kinds) {
    const auto name = kind == CpuKind::low_power ? "low-power" : cpu_kind_text(kind);
    out += fmt::format("{} cores: CPUs {}\n", name, cut(cpus.to_list(), 60));
  }
  return out;
}

}  // namespace

std::string topology_text(const Host& host,
                          const ProtectionMap& protections,
                          const TextStyle& style) {
  if (host.topology.cpus.empty()) {
    return "No CPUs known.\n";
  }
  auto vectors = vectors_by_cpu(host);
  CpuMarks marks(protections);
  std::map<int, Cell> cells;
  CpuSet housekeeping;
  const auto pool = pool_cpus(host, {}, protections);
  for (const auto& cpu : host.topology.cpus) {
    const auto count = vectors[cpu.number];
    const bool hot = count > 0 && protected_by_vcpu(protections, cpu.number);
    cells[cpu.number] = {cpu.number, marks.mark(cpu), count, hot};
    if (cpu.online && !protections.contains(cpu.number) && !pool.contains(cpu.number)) {
      housekeeping.insert(cpu.number);
    }
  }
  auto out = summary_line("housekeeping", housekeeping, vectors) +
             summary_line("protected", host.topology.online & protected_cpus(protections), vectors);
  if (!pool.empty()) {
    out += summary_line("pool", pool, vectors);
  }
  out += default_set_text(host.default_set) + kinds_text(host.topology);
  const auto grid = grid_of(cells, style);
  for (const auto& block : blocks_of(host.topology)) {
    out += tinted(style,
                  Tint::dim,
                  fmt::format("{}: CPUs {}", block.title, cut(block.cpus.to_list(), 48))) +
           '\n' + block_text(block, cells, grid, style);
  }
  out +=
      "Each CPU: number, mark, passthrough vectors now; threads of a core one below the other.\n";
  return out + marks.legend(style.width) + nodes_text(host.topology);
}

}  // namespace irqtune
