// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/interrupts/interrupts.h"

#include "irqtune/core/text.h"

#include "read/interrupts/cells.h"
#include "read/interrupts/irq_text.h"

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
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

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

bool starts_with_number(std::string_view text) noexcept {
  const auto first = take_word(text);
  return !first.empty() && std::ranges::all_of(first, is_digit);
}

/// True if a count may stand at the start of `rest`, behind a row's colon: set off by a blank, or
/// glued to the label, as the ten digits of arm64's, RISC-V's and LoongArch's "IPI0:1832994294"
/// are. Source: Linux arch/arm64/kernel/smp.c arch_show_interrupts(), "%*s%u:%s" with no blank,
/// then
/// "%10u ".
bool begins_with_count(std::string_view rest) noexcept {
  const bool glued = !is_cell_blank(rest.front());
  const auto* const first = std::ranges::find_if_not(rest, is_cell_blank);
  if (!glued) {
    return first == rest.end() || is_digit(*first);
  }
  const auto* const end = std::ranges::find_if_not(rest, is_digit);
  return end != rest.begin() && (end == rest.end() || is_cell_blank(*end));
}

/// Splits "label: rest"; false if the line has not this form. A name that holds a newline may go on
/// in a line of any form, so the label must be one word, and a number or nothing must follow.
bool split_row(std::string_view line, std::string_view& label, std::string_view& rest) {
  std::size_t start = 0;
  while (start < line.size() && is_cell_blank(line[start])) {
    ++start;
  }
  auto colon = start;
  while (colon < line.size() && line[colon] != ':' && !is_cell_blank(line[colon])) {
    ++colon;
  }
  if (colon == start || colon == line.size() || line[colon] != ':') {
    return false;
  }
  label = line.substr(start, colon - start);
  rest = line.substr(colon + 1);
  return rest.empty() || begins_with_count(rest);
}

}  // namespace

/// Builds a table line by line.
class InterruptParser::Reader {
 public:
  void line(std::string_view text) {
    ++number_;
    text = text.substr(0, kLongestLine + 1);  // As a line that comes in pieces is cut.
    if (number_ == 1 && text.starts_with(kByteOrderMark)) {
      text.remove_prefix(kByteOrderMark.size());
    }
    while (!text.empty() && is_cell_blank(text.back())) {
      text.remove_suffix(1);
    }
    if (done_ || text.empty()) {
      return;
    }
    if (text.size() > kLongestLine) {
      warn("longer than any line of a table; left out");
      return;
    }
    add(text);
    check_size();
  }

  InterruptTable finish() {
    take_unfinished_row();
    if (table_.cpus.empty() && number_ > 0) {
      warn("no header with CPU names; counts are not known");
    }
    settle_lone_parts();
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
    const auto rows =
        table_.irqs.size() + table_.counters.size() + (unfinished_row_.empty() ? 0U : 1U);
    if (rows >= kMaxRows || parts_ >= kMaxParts) {
      done_ = true;
      warn("larger than any table; the rest is not read");
    }
  }

  void add(std::string_view text) {
    std::string_view label;
    std::string_view rest;
    if (split_row(text, label, rest)) {
      take_unfinished_row();
      if (!row(label, rest, false)) {
        unfinished_row_ = text;
      }
    } else if (auto cpus = parse_header(text)) {
      take_unfinished_row();
      header(*std::move(cpus));
    } else if (!unfinished_row_.empty() && starts_with_number(text)) {
      more_of_row(text);
    } else {
      take_unfinished_row();
      continuation(text);
    }
  }

  /// The row is parsed again only when it may be whole: it may have one count in each line.
  void more_of_row(std::string_view text) {
    const auto room = kLongestLine - std::min(unfinished_row_.size() + 1, kLongestLine);
    unfinished_row_.append(" ").append(text.substr(0, room));
    const auto cells = words(text);
    const auto is_count = [](std::string_view cell) { return std::ranges::all_of(cell, is_digit); };
    if (cells.size() < missing_ && std::ranges::all_of(cells, is_count)) {
      missing_ -= cells.size();
      return;
    }
    const auto whole = std::exchange(unfinished_row_, {});
    add(whole);
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

  void header(std::vector<int> cpus) {
    if (table_.cpus.empty()) {
      table_.cpus = std::move(cpus);
      table_.irqs.reserve(kUsualRows);
      return;
    }
    const bool is_rest =
        table_.irqs.empty() && table_.counters.empty() && cpus.front() > table_.cpus.back();
    if (is_rest) {  // A mail program broke the header.
      table_.cpus.insert(table_.cpus.end(), cpus.begin(), cpus.end());
      return;
    }
    done_ = true;
    warn("a second table begins; only the first is read");
  }

  /// A row that broke off among its counts is left for later unless `final`; false then.
  bool row(std::string_view label, std::string_view rest, bool final) {
    const bool numbered = std::ranges::all_of(label, is_digit);
    const auto irq_number = numbered ? parse_number<std::uint32_t>(label) : std::nullopt;
    // Without a header, numbers are skipped as counts of unknown CPUs. A counter may have more
    // columns than the header: of present CPUs, where that has the online ones.
    const bool bounded = irq_number && !table_.cpus.empty();
    Cells cells(rest, bounded ? table_.cpus.size() : rest.size());
    counts_.clear();
    cells.read(table_.cpus, counts_);
    if (!std::ranges::is_sorted(counts_, {}, &CpuCount::cpu)) {
      std::ranges::stable_sort(counts_, {}, &CpuCount::cpu);
    }
    if (!final && cells.columns() < table_.cpus.size() && cells.rest().empty()) {
      missing_ = table_.cpus.size() - cells.columns();
      return false;
    }
    irq_number ? interrupt(*irq_number, cells) : counter(label, cells);
    return true;
  }

  void take_unfinished_row() {
    std::string_view label;
    std::string_view rest;
    const auto text = std::exchange(unfinished_row_, {});
    if (split_row(text, label, rest)) {
      row(label, rest, true);
    }
  }

  void interrupt(std::uint32_t number, const Cells& cells) {
    Irq irq;
    irq.number = IrqNumber{number};
    irq.counts = counts_;  // One allocation of the right size
    irq.listed = !table_.cpus.empty();
    if (cells.too_large()) {
      warn(fmt::format("IRQ {} has a count beyond 32 bits", number));
    }
    table_.torn =
        table_.torn || (irq.listed && cells.columns() < table_.cpus.size()) || cells.more();
    if (!is_new(number)) {
      warn(fmt::format("IRQ {} appears a second time; the first is kept", number));
      last_is_irq_ = false;
      return;
    }
    table_.irqs.push_back(std::move(irq));
    last_is_irq_ = true;
    set_text(cells.rest());
    parts_ += table_.irqs.back().counts.size() + table_.irqs.back().actions.size();
  }

  /// Gives the last interrupt what stands behind its counts.
  void set_text(std::string_view text) {
    auto& irq = table_.irqs.back();
    const auto index = table_.irqs.size() - 1;
    if (!parse_irq_text(text, irq)) {
      lone_parts_.push_back(index);
    }
    last_text_ = irq.actions.empty() ? text : std::string_view{};
  }

  void counter(std::string_view label, const Cells& cells) {
    CounterRow row;
    row.label = label;
    row.columns = cells.columns();
    row.text = trimmed(cells.rest());
    row.total = cells.total();
    if (row.columns == table_.cpus.size()) {
      row.counts = counts_;
      parts_ += row.counts.size();
    }
    table_.counters.push_back(std::move(row));
    last_is_irq_ = false;
  }

  /// A line that is no row goes on where the row before it, or its last handler's name, broke off.
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
    warn(
        fmt::format("no row; taken as the rest of IRQ {}", static_cast<std::uint32_t>(irq.number)));
    table_.doubtful.push_back(irq.number);
    if (irq.actions.empty()) {
      rest_of_row(first);
    } else if (irq.actions.back().ends_with(',')) {
      irq.actions.back().pop_back();
      add_actions(first, irq);
    } else {
      rest_of_name(text);
    }
  }

  void rest_of_row(std::string_view text) {
    auto& irq = table_.irqs.back();
    irq.chip.clear();
    irq.trigger.clear();
    irq.hwirq.reset();
    if (!lone_parts_.empty() && lone_parts_.back() + 1 == table_.irqs.size()) {
      lone_parts_.pop_back();
    }
    set_text(fmt::format("{}  {}", last_text_, text));
  }

  void rest_of_name(std::string_view text) {
    auto& irq = table_.irqs.back();
    const auto comma = std::min(text.find(", "), text.size());
    irq.actions.back() += fmt::format("\n{}", trimmed(text.substr(0, comma)));
    add_actions(text.substr(std::min(comma + 2, text.size())), irq);
  }

  /// What is all the text of its row is a chip if others have it, or is one word among rows with
  /// chips; else names.
  void settle_lone_parts() {
    std::set<std::string, std::less<>> chips;
    std::size_t next = 0;
    for (std::size_t i = 0; i < table_.irqs.size() && !lone_parts_.empty(); ++i) {
      const bool lone = next < lone_parts_.size() && lone_parts_[next] == i;
      next += lone ? 1 : 0;
      if (!lone && !table_.irqs[i].chip.empty()) {
        chips.insert(table_.irqs[i].chip);
      }
    }
    for (const auto index : lone_parts_) {
      auto& irq = table_.irqs[index];
      const bool is_word = irq.chip.find(' ') == std::string::npos;
      if (!chips.contains(irq.chip) && (chips.empty() || !is_word)) {
        add_actions(std::exchange(irq.chip, {}), irq);
      }
    }
  }

  InterruptTable table_;
  std::vector<CpuCount> counts_;         // Of one row
  std::set<IrqNumber> seen_;             // All, once one is out of order
  std::vector<std::size_t> lone_parts_;  // Indices of interrupts whose chip may be names.
  std::string unfinished_row_;           // Broke off among its counts,
  std::size_t missing_ = 0;              // of which so many are to come.
  std::string last_text_;                // Of the last interrupt, if it has no names yet.
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
