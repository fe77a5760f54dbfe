// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/interrupts/esx.h"

#include "irqtune/core/text.h"
#include "irqtune/read/interrupts/interrupts.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace irqtune {

namespace {

constexpr std::size_t kMaxWarnings = 20;
constexpr std::size_t kMaxOwners = 64;

/// Removes the counts from the front of `rest`; false if one is too large.
bool take_counts(std::string_view& rest, std::vector<std::uint64_t>& counts) {
  while (true) {
    auto behind = rest;
    const auto word = take_word(behind);
    if (word.empty() || word.find_first_not_of("0123456789") != std::string_view::npos) {
      return true;
    }
    const auto count = parse_number<std::uint64_t>(word);
    if (!count) {
      return false;
    }
    counts.push_back(*count);
    rest = behind;
  }
}

/// The number behind "COS irq"; empty optional if there is none.
std::optional<int> console_irq(std::string_view rest) {
  return take_word(rest) == "irq" ? parse_number<int>(take_word(rest)) : std::nullopt;
}

std::optional<EsxOwner> parse_owner(std::string_view text, bool handled) {
  EsxOwner owner;
  owner.handled = handled;
  owner.text = std::string(text);
  auto rest = text;
  const auto kind = take_word(rest);
  if (kind != "COS" && kind != "VMK") {
    return std::nullopt;
  }
  owner.console = kind == "COS";
  owner.irq = owner.console ? console_irq(rest) : std::nullopt;
  return owner;
}

/// Brackets may hold several owners.
bool take_owners(std::string_view rest, std::vector<EsxOwner>& owners) {
  bool bracketed = false;
  while (!trimmed(rest).empty() && owners.size() < kMaxOwners) {
    auto text = trimmed(take_until(rest, ','));
    if (text.starts_with('<')) {
      bracketed = true;
      text.remove_prefix(1);
    }
    const bool handled = !bracketed;
    if (text.ends_with('>')) {
      bracketed = false;
      text.remove_suffix(1);
    }
    const auto owner = parse_owner(trimmed(text), handled);
    if (!owner) {
      return false;
    }
    owners.push_back(*owner);
  }
  return true;
}

/// "Vector  PCPU 0  PCPU 1", in any case and spacing.
bool is_header(std::string_view text) {
  const auto lower = lower_ascii(trimmed(text));
  return lower.starts_with("vector") || lower.starts_with("pcpu");
}

std::optional<EsxLine> parse_line(std::string_view text) {
  EsxLine line;
  const auto vector = parse_hex<unsigned>(trimmed(take_until(text, ':')));
  if (!vector || !take_counts(text, line.counts) || line.counts.empty() ||
      !take_owners(text, line.owners)) {
    return std::nullopt;
  }
  line.vector = *vector;
  return line;
}

}  // namespace

EsxTable parse_esx_interrupts(std::string_view text) {
  EsxTable table;
  std::size_t number = 0;
  for (const auto row : split(text, '\n')) {
    ++number;
    if (trimmed(row).empty() || is_header(row)) {
      continue;
    }
    if (auto line = parse_line(row)) {
      table.lines.push_back(std::move(*line));
    } else if (table.warnings.size() < kMaxWarnings) {
      table.warnings.push_back(
          fmt::format("/proc/vmware/interrupts line {}: no \"0x89: COUNTS OWNERS\"", number));
    }
  }
  return table;
}

EsxConsole parse_esx_console(std::string_view text) {
  auto table = parse_interrupts(text);
  EsxConsole console;
  for (auto& irq : table.irqs) {
    EsxConsoleLine line;
    line.irq = static_cast<int>(irq.number);
    line.count = std::accumulate(
        irq.counts.begin(), irq.counts.end(), std::uint64_t{0}, [](auto sum, const auto& count) {
          return sum + count.count;
        });
    line.drivers = std::move(irq.actions);
    console.lines.push_back(std::move(line));
  }
  console.warnings = std::move(table.warnings);
  if (std::ranges::none_of(table.irqs,
                           [](const Irq& irq) { return irq.chip.starts_with("vmnix"); })) {
    console.warnings.emplace_back(
        "--esx-console: no line of vmnix-edge or vmnix-level; is it the service console's?");
  }
  return console;
}

}  // namespace irqtune
