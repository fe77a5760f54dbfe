// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/delivery.h"
#include "irqtune/report/report.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

enum class Align : std::uint8_t { left, right };

/// Rows of cells, printed with aligned columns.
class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell per column.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  /// A line of its own between rows, neither aligned nor folded.
  void add_heading(std::string text) { rows_.push_back({std::move(text)}); }

  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

  /// The table with a header line; of the columns those that the style names, in its order. Where
  /// the style says so, no line is longer than the width: each row stays one line, cut at its end.
  [[nodiscard]] std::string text(const TextStyle& style) const;

 private:
  [[nodiscard]] std::vector<std::size_t> shown(const TextStyle& style) const;
  [[nodiscard]] std::vector<std::size_t> widths() const;

  [[nodiscard]] bool is_heading(const std::vector<std::string>& row) const noexcept {
    return row.size() < columns_.size();
  }

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// `summary` again after a table that a terminal does not show with it; else empty.
[[nodiscard]] std::string summary_again(const std::string& summary,
                                        std::size_t rows,
                                        const TextStyle& style);

/// How many columns a terminal needs for `text`: its UTF-8 characters.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

/// `text` in lines of at most `width` columns, broken at blanks where there are some.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// `text`, which starts in column `column`, continued below itself where the style says so and
/// there is room enough.
[[nodiscard]] std::string folded(std::string_view text, std::size_t column, const TextStyle& style);

/// `text` in at most `width` columns, the end cut with "...".
[[nodiscard]] std::string cut(std::string_view text, std::size_t width);

/// `text` in an ANSI colour if `style` has colours; as it is otherwise.
enum class Tint : std::uint8_t { red, green, yellow, dim, bold };
[[nodiscard]] std::string tinted(const TextStyle& style, Tint tint, std::string_view text);

/// A CPU list for a table; "-" if unknown or empty.
[[nodiscard]] std::string list_text(const std::optional<CpuSet>& cpus);

/// Where a table says that an interrupt is: where the kernel says so; where that is no one CPU,
/// what counted or was asked for.
[[nodiscard]] std::optional<CpuSet> place_of(const Delivery& delivery,
                                             const std::optional<CpuSet>& effective);

/// ", 3 in places unknown"; empty if none is.
[[nodiscard]] std::string unknown_text(std::size_t unknown);

/// "msix/3", "intx"
[[nodiscard]] std::string index_text(const VectorId& vector);

/// "0000:24:00.0 msix/3"
[[nodiscard]] std::string vector_text(const VectorId& vector);

}  // namespace irqtune
