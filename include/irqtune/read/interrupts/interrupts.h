// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// What /proc/interrupts says.
struct InterruptTable {
  std::vector<int> cpus;  ///< CPU of each column: with CPU 2 offline, column 2 is CPU 3.
  std::vector<Irq> irqs;  ///< By number; chip, hwirq, trigger, actions and counts are filled in.
  std::vector<CounterRow> counters;   ///< In the file's order; labels may repeat.
  std::vector<std::string> warnings;  ///< What was odd, with line numbers.
  std::vector<IrqNumber> doubtful;    ///< Whose names go on in lines that are no rows; may repeat.
  bool torn = false;  ///< Rows differ in width: a CPU came or went while the file was read.
};

/// Parses /proc/interrupts in pieces of any size, as parse_interrupts() does.
class InterruptParser {
 public:
  InterruptParser();
  InterruptParser(const InterruptParser&) = delete;
  InterruptParser& operator=(const InterruptParser&) = delete;
  InterruptParser(InterruptParser&&) = delete;
  InterruptParser& operator=(InterruptParser&&) = delete;
  ~InterruptParser();

  void feed(std::string_view piece);

  /// The table; nothing may be fed after it.
  [[nodiscard]] InterruptTable finish();

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
  std::string unfinished_;  ///< The line that the pieces so far have not ended.
};

/// Parses the text of /proc/interrupts of any kernel and architecture; never throws.
///
/// Works on tokens, never on columns: widths differ between kernels 6.1, 6.18 and 7.2. A line that
/// is no row belongs to the last handler's name, which may hold a newline (vp_vdpa).
/// Source: Linux kernel/irq/proc.c, show_interrupts() and irq_seq_show(); arch_show_interrupts().
[[nodiscard]] InterruptTable parse_interrupts(std::string_view text);

}  // namespace irqtune
