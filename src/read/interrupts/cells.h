// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace irqtune {

/// True for what stands between the cells of a row.
[[nodiscard]] constexpr bool is_cell_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\0' || c == '\r';
}

/// The numbers of one row of /proc/interrupts, read from left to right.
class Cells {
 public:
  /// Of `text`, the first `limit` numbers are cells.
  Cells(std::string_view text, std::size_t limit) noexcept : text_(text), limit_(limit) {}

  /// Reads them; those that are not zero go to `counts` with the CPU of their column.
  void read(const std::vector<int>& cpus, std::vector<CpuCount>& counts);

  /// Of all columns, those without a CPU as well; the greatest there is if it is beyond that.
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

  /// How many were read.
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }

  /// True if one was beyond 32 bits.
  [[nodiscard]] bool too_large() const noexcept { return too_large_; }

  /// What follows the last one.
  [[nodiscard]] std::string_view rest() const noexcept { return text_.substr(at_); }

  /// Does another number follow, alone in its word?
  [[nodiscard]] bool more() const noexcept;

 private:
  [[nodiscard]] bool ends_at(std::size_t i) const noexcept;
  [[nodiscard]] bool has_zero_block() const noexcept;
  void skip_zeros() noexcept;
  bool read_number() noexcept;

  std::string_view text_;
  std::size_t limit_;
  std::size_t at_ = 0;
  std::size_t columns_ = 0;
  std::uint64_t value_ = 0;
  std::uint64_t total_ = 0;
  bool too_large_ = false;
};

}  // namespace irqtune
