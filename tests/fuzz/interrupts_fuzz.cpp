// SPDX-License-Identifier: Apache-2.0
// /proc/interrupts: whole, in pieces, and printed again.
#include "irqtune/read/interrupts/interrupts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "fuzz/fuzz.h"

namespace {

using irqtune::InterruptTable;
using irqtune::Irq;
using irqtune::fuzz::require;

std::string shown(const InterruptTable& table) {
  auto text = fmt::format("{} torn={}\n{}\n", table.cpus, table.torn, table.warnings);
  for (const auto& irq : table.irqs) {
    text += fmt::format("{} {} {} {} {}",
                        static_cast<std::uint32_t>(irq.number),
                        irq.chip,
                        irq.hwirq.value_or(0),
                        irq.trigger,
                        irq.actions);
    for (const auto& count : irq.counts) {
      text += fmt::format(" {}:{}", count.cpu, count.count);
    }
    text += '\n';
  }
  for (const auto& row : table.counters) {
    text += fmt::format("{} {} {} {}\n", row.label, row.text, row.total, row.columns);
  }
  return text;
}

/// Sizes of pieces follow from the input, so that a finding can be repeated.
InterruptTable parse_in_pieces(std::string_view text, std::size_t seed) {
  irqtune::InterruptParser parser;
  while (!text.empty()) {
    seed = seed * 1103515245 + 12345;
    const auto size = std::min<std::size_t>(seed / 65536 % 97, text.size());
    parser.feed(text.substr(0, size));
    text.remove_prefix(size);
  }
  return parser.finish();
}

void check_order(const InterruptTable& table) {
  const auto by_number = [](const Irq& a, const Irq& b) { return a.number >= b.number; };
  require(std::ranges::adjacent_find(table.irqs, by_number) == table.irqs.end(),
          "interrupts stand by number, each once",
          shown(table));
}

/// The numbers of a table as the kernel prints them.
std::string printed(const InterruptTable& table) {
  std::string text;
  for (const int cpu : table.cpus) {
    text += fmt::format("       CPU{}", cpu);
  }
  for (const auto& irq : table.irqs) {
    text += fmt::format("\n{}:", static_cast<std::uint32_t>(irq.number));
    for (const int cpu : table.cpus) {
      const auto count = std::ranges::find(irq.counts, cpu, &irqtune::CpuCount::cpu);
      text += fmt::format(" {:10}", count == irq.counts.end() ? 0 : count->count);
    }
  }
  return text;
}

void check_counts(const InterruptTable& table) {
  auto sorted = table.cpus;
  std::ranges::sort(sorted);
  const bool odd =
      sorted.empty() || sorted.front() < 0 || std::ranges::adjacent_find(sorted) != sorted.end();
  constexpr std::size_t kMostCells = 10000;
  if (odd || table.cpus.size() * table.irqs.size() > kMostCells) {
    return;
  }
  const auto again = irqtune::parse_interrupts(printed(table));
  require(again.irqs.size() == table.irqs.size(), "rows survive printing", printed(table));
  for (std::size_t i = 0; i < table.irqs.size(); ++i) {
    require(again.irqs[i].counts == table.irqs[i].counts, "counts survive", printed(table));
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = irqtune::fuzz::text_of(data, size);
  const auto table = irqtune::parse_interrupts(text);
  const auto pieces = parse_in_pieces(text, size);
  require(
      shown(table) == shown(pieces), "pieces make the same table", shown(table) + shown(pieces));
  check_order(table);
  check_counts(table);
  return 0;
}
