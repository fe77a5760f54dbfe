// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "report/text/cpu_blocks.h"
#include "report/text/cpu_marks.h"
#include "report/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "top/parts.h"

namespace irqtune::drawing {

namespace {

struct Cell {
  std::string mark;
  std::string rate;
  bool collides = false;
};

using Cells = std::map<int, Cell>;

/// Columns of a cell's parts; as few as the values need, but not other ones each second.
struct Grid {
  std::size_t cpu = 1;
  std::size_t mark = 1;
  std::size_t rate = 5;
  std::size_t cores = 1;  ///< In a line
};

constexpr std::size_t kMargin = 1;
constexpr std::size_t kGap = 1;

std::size_t width_of(const Grid& grid) {
  return 1 + grid.cpu + 1 + grid.mark + 1 + grid.rate;
}

std::string cpu_rate_text(const InterruptRates& rates, bool fixed) {
  const auto rate = rates.passthrough + rates.host + (fixed ? rates.fixed : 0);
  return rate > 0 ? rate_text(rate) : std::string();
}

Cells cells_of(const Scene& scene, bool fixed, CpuMarks& marks) {
  Cells cells;
  for (const auto& cpu : scene.host.topology.cpus) {
    cells[cpu.number].mark = marks.mark(cpu);
  }
  for (const auto& cpu : scene.frame.cpus) {
    auto& cell = cells[cpu.load.cpu];
    cell.rate = cpu_rate_text(cpu.load.interrupts, fixed);
    cell.collides = cpu.collisions > 0;
  }
  return cells;
}

Grid grid_of(const Cells& cells, std::size_t columns) {
  Grid grid;
  for (const auto& [cpu, cell] : cells) {
    grid.cpu = std::max(grid.cpu, fmt::formatted_size("{}", cpu));
    grid.mark = std::max(grid.mark, cell.mark.size());
    grid.rate = std::max(grid.rate, cell.rate.size());
  }
  const auto width = width_of(grid) + kGap;
  while (kMargin + 2 * grid.cores * width <= columns + kGap) {
    grid.cores *= 2;
  }
  return grid;
}

/// A collision has a sign too, for terminals with one look.
Span cell_span(int cpu, const Cell& cell, const Grid& grid) {
  auto text = fmt::format("{}{:>{}} {:<{}} {:>{}}",
                          cell.collides ? '>' : ' ',
                          cpu,
                          grid.cpu,
                          cell.mark,
                          grid.mark,
                          cell.rate,
                          grid.rate);
  return {std::move(text), cell.collides ? Look::alarm : Look::plain};
}

/// One thread of some cores.
ScreenLine thread_line(std::span<const Core> cores,
                       std::size_t thread,
                       const Cells& cells,
                       const Grid& grid) {
  ScreenLine line;
  for (const auto& core : cores) {
    const bool there = thread < core.size();
    line.push_back({std::string(line.empty() ? kMargin : kGap, ' '), Look::plain});
    line.push_back(there ? cell_span(core[thread]->number, cells.at(core[thread]->number), grid)
                         : Span{std::string(width_of(grid), ' '), Look::plain});
  }
  return line;
}

void add_block(const Block& block,
               const Cells& cells,
               const Grid& grid,
               std::vector<ScreenLine>& lines) {
  lines.push_back(
      line_of(fmt::format("{}: CPUs {}", block.title, cut(block.cpus.to_list(), 48)), Look::dim));
  for (std::span<const Core> rest = block.cores; !rest.empty();) {
    const auto cores = rest.first(std::min(grid.cores, rest.size()));
    const auto threads = std::ranges::max_element(cores, {}, &Core::size)->size();
    for (std::size_t thread = 0; thread < threads; ++thread) {
      lines.push_back(thread_line(cores, thread, cells, grid));
    }
    rest = rest.subspan(cores.size());
  }
}

}  // namespace

std::vector<ScreenLine> map_lines(const Scene& scene, const View& view, std::size_t columns) {
  CpuMarks marks(scene.protections);
  const auto cells = cells_of(scene, view.fixed, marks);
  const auto grid = grid_of(cells, columns);
  std::vector<ScreenLine> lines;
  for (const auto& block : blocks_of(scene.host.topology)) {
    add_block(block, cells, grid, lines);
  }
  const auto legend = marks.legend(columns);
  for (std::string_view rest = legend; !rest.empty();) {
    lines.push_back(line_of(take_until(rest, '\n'), Look::dim));
  }
  return lines;
}

}  // namespace irqtune::drawing
