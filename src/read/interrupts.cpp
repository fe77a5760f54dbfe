// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/interrupts.h"

#include "irqtune/core/text.h"

#include "read/cells.h"
#include "read/irq_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>

namespace irqtune {

namespace {

constexpr std::size_t kMaxWarnings = 20;  // A file that is no table must not fill the screen.

// What no kernel prints, so that a bad file cannot ask for all memory: longer lines than of 65536
// CPUs, more interrupts than an x86 kernel for 8192 CPUs has numbers (NR_IRQS), more cells and
// handler names than 65536 interrupts of 1024 CPUs have.
constexpr std::size_t kLongestLine = std::size_t{1} << 20;
constexpr std::size_t kMaxRows = std::size_t{1} << 20;
constexpr std::size_t kMaxParts = std::size_t{1} << 26;

// Room that is made at once: moving rows costs more than memory that is never touched.
constexpr std::size_t kUsualRows = 2048;

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\0' || c == '\r';
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// The CPU ids of a header line; empty optional if the line is none.
std::optional<std::vector<int>> parse_header(std::string_view line) {
  std::vector<int> cpus;
  for (const auto word : words(line)) {
    const auto number = word.starts_with("CPU") ? parse_number<int>(word.substr(3)) : std::nullopt;
    if (!number) {
      return std::nullopt;
    }
    cpus.push_back(*number >= 0 && *number < CpuSet::kMaxCpus ? *number : -1);
  }
  return cpus.empty() ? std::nullopt : std::optional(std::move(cpus));
}

/// Splits "label: rest"; false if the line has not this form. A name that holds a newline may go on
/// in a line of any form, so the label must be one word, and a number or nothing must follow.
bool split_row(std::string_view line, std::string_view& label, std::string_view& rest) {
  std::size_t start = 0;
  while (start < line.size() && is_blank(line[start])) {
    ++start;
  }
  auto colon = start;
  while (colon < line.size() && line[colon] != ':' && !is_blank(line[colon])) {
    ++colon;
  }
  if (colon == start || colon == line.size() || line[colon] != ':') {
    return false;
  }
  label = line.substr(start, colon - start);
  rest = line.substr(colon + 1);
  const auto* const first = std::ranges::find_if_not(rest, is_blank);
  return (rest.empty() || is_blank(rest.front())) && (first == rest.end() || is_digit(*first));
}

}  // namespace

/// Builds a table line by line.
class InterruptParser::Reader {
 public:
  void line(std::string_view text) {
    ++number_;
    text = text.substr(0, kLongestLine + 1);  // As a line that comes in pieces is cut.
    while (!text.empty() && is_blank(text.back())) {
      text.remove_suffix(1);
    }
    if (done_ || text.empty()) {
      return;
    }
    if (text.size() > kLongestLine) {
      warn("longer than any line of a table; left out");
      return;
    }
    std::string_view label;
    std::string_view rest;
    if (split_row(text, label, rest)) {
      row(label, rest);
    } else if (auto cpus = parse_header(text)) {
      header(*std::move(cpus));
    } else {
      continuation(text);
    }
    check_size();
  }

  InterruptTable finish() {
    if (table_.cpus.empty() && number_ > 0) {
      warn("no header with CPU names; counts are not known");
    }
    if (!std::ranges::is_sorted(table_.irqs, {}, &Irq::number)) {
      std::ranges::stable_sort(table_.irqs, {}, &Irq::number);
    }
    return std::move(table_);
  }

 private:
  void warn(const std::string& what) {
    if (table_.warnings.size() < kMaxWarnings) {
      table_.warnings.push_back(fmt::format("/proc/interrupts: line {}: {}", number_, what));
    }
  }

  void check_size() {
    if (table_.irqs.size() + table_.counters.size() >= kMaxRows || parts_ >= kMaxParts) {
      done_ = true;
      warn("larger than any table; the rest is not read");
    }
  }

  void header(std::vector<int> cpus) {
    if (!table_.cpus.empty()) {
      done_ = true;
      warn("a second table begins; only the first is read");
      return;
    }
    table_.cpus = std::move(cpus);
    table_.irqs.reserve(kUsualRows);
  }

  /// Notes an interrupt's number; false if it had a row before.
  bool is_new(std::uint32_t number) {
    if (seen_.empty() && (table_.irqs.empty() || table_.irqs.back().number < IrqNumber{number})) {
      return true;  // The kernel prints them in order.
    }
    if (seen_.empty()) {
      for (const auto& irq : table_.irqs) {
        seen_.insert(irq.number);
      }
    }
    return seen_.insert(IrqNumber{number}).second;
  }

  void row(std::string_view label, std::string_view rest) {
    const bool numbered = std::ranges::all_of(label, is_digit);
    const auto irq_number = numbered ? parse_number<std::uint32_t>(label) : std::nullopt;
    // Without a header, numbers are skipped as counts of unknown CPUs.
    const auto limit = table_.cpus.empty() ? rest.size() : table_.cpus.size();
    Cells cells(rest, limit);
    if (!irq_number) {
      counter(label, cells);
      return;
    }
    Irq irq;
    irq.number = IrqNumber{*irq_number};
    counts_.clear();
    cells.read(table_.cpus, counts_);
    if (!std::ranges::is_sorted(counts_, {}, &CpuCount::cpu)) {
      std::ranges::stable_sort(counts_, {}, &CpuCount::cpu);
    }
    irq.counts = counts_;  // One allocation of the right size
    if (cells.too_large()) {
      warn(fmt::format("IRQ {} has a count beyond 32 bits", *irq_number));
    }
    table_.torn = table_.torn || (!table_.cpus.empty() && cells.columns() < limit) || cells.more();
    parse_irq_text(cells.rest(), irq);
    if (!is_new(*irq_number)) {
      warn(fmt::format("IRQ {} appears a second time; the first is kept", *irq_number));
      last_is_irq_ = false;
      return;
    }
    parts_ += irq.counts.size() + irq.actions.size();
    table_.irqs.push_back(std::move(irq));
    last_is_irq_ = true;
  }

  void counter(std::string_view label, Cells& cells) {
    counts_.clear();
    cells.read(table_.cpus, counts_);
    CounterRow row;
    row.label = label;
    row.columns = cells.columns();
    row.text = trimmed(cells.rest());
    for (const auto& count : counts_) {
      row.total += std::min(count.count, std::numeric_limits<std::uint64_t>::max() - row.total);
    }
    table_.counters.push_back(std::move(row));
    last_is_irq_ = false;
  }

  /// A line that is no row goes on where the last handler's name broke off.
  void continuation(std::string_view text) {
    if (!last_is_irq_) {
      warn("no row of the table; left out");
      return;
    }
    auto& irq = table_.irqs.back();
    const auto first = trimmed(text);
    parts_ += 1 + static_cast<std::size_t>(std::ranges::count(text, ','));
    if (first.starts_with(',')) {
      add_actions(first.substr(1), irq);
      return;
    }
    warn(fmt::format("no row; taken as part of a handler name of IRQ {}",
                     static_cast<std::uint32_t>(irq.number)));
    const auto comma = std::min(text.find(", "), text.size());
    if (irq.actions.empty()) {
      irq.actions.emplace_back();
    }
    irq.actions.back() += fmt::format("\n{}", trimmed(text.substr(0, comma)));
    add_actions(text.substr(std::min(comma + 2, text.size())), irq);
  }

  InterruptTable table_;
  std::vector<CpuCount> counts_;  // Of one row
  std::set<IrqNumber> seen_;      // All, once one is out of order
  std::size_t number_ = 0;
  std::size_t parts_ = 0;  // Cells and handler names kept.
  bool last_is_irq_ = false;
  bool done_ = false;
};

InterruptParser::InterruptParser() : reader_(std::make_unique<Reader>()) {}

InterruptParser::~InterruptParser() = default;

void InterruptParser::feed(std::string_view piece) {
  if (!unfinished_.empty()) {
    const auto end = piece.find('\n');
    // One byte too many tells a line that is too long, whatever its length.
    unfinished_ += piece.substr(0, std::min(end, kLongestLine + 1 - unfinished_.size()));
    if (end == std::string_view::npos) {
      return;
    }
    reader_->line(unfinished_);
    unfinished_.clear();
    piece.remove_prefix(end + 1);
  }
  for (auto end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
    reader_->line(piece.substr(0, end));
    piece.remove_prefix(end + 1);
  }
  unfinished_ = piece.substr(0, kLongestLine + 1);
}

InterruptTable InterruptParser::finish() {
  if (!unfinished_.empty()) {
    reader_->line(unfinished_);
  }
  return reader_->finish();
}

InterruptTable parse_interrupts(std::string_view text) {
  InterruptParser parser;
  parser.feed(text);
  return parser.finish();
}

}  // namespace irqtune
