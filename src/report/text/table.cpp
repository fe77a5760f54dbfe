// SPDX-License-Identifier: Apache-2.0
#include "report/text/table.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace irqtune {

namespace {

constexpr std::string_view kGap = "  ";

/// How many bytes the first `width` columns of the text take.
std::size_t bytes_of(std::string_view text, std::size_t width) noexcept {
  std::size_t at = 0;
  for (std::size_t used = 0; at < text.size(); ++at) {
    used += display_width(text.substr(at, 1));
    if (used > width) {
      break;
    }
  }
  return at;
}

/// What --columns calls a column: "USED BY" is used-by; without a title it is the mark.
std::string name_of(std::string text) {
  text = text.empty() ? "mark" : std::move(text);
  std::ranges::replace(text, ' ', '-');
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

std::string padded(std::string_view text, std::size_t width, Align align) {
  const std::string fill(width - std::min(width, display_width(text)), ' ');
  return align == Align::right ? fmt::format("{}{}", fill, text) : fmt::format("{}{}", text, fill);
}

}  // namespace

std::vector<std::size_t> Table::shown(const TextStyle& style) const {
  std::vector<std::size_t> numbers;
  for (const auto& name : style.columns) {
    const auto named = std::ranges::find_if(
        columns_, [&](const Column& column) { return name_of(column.title) == name; });
    if (named != columns_.end()) {
      numbers.push_back(static_cast<std::size_t>(named - columns_.begin()));
    }
  }
  for (std::size_t i = 0; style.columns.empty() && i < columns_.size(); ++i) {
    numbers.push_back(i);
  }
  return numbers;
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    auto width = display_width(columns_[column].title);
    for (const auto& row : rows_) {
      width = std::max(width, is_heading(row) ? 0 : display_width(row[column]));
    }
    widths.push_back(width);
  }
  return widths;
}

std::string Table::text(const TextStyle& style) const {
  const auto numbers = shown(style);
  const auto widths = this->widths();
  const auto line = [&](auto cell_of) {
    std::string out;
    for (const auto column : numbers) {
      const bool last = column == numbers.back();
      out += last && columns_[column].align == Align::left
                 ? std::string(cell_of(column))
                 : padded(cell_of(column), widths[column], columns_[column].align);
      out += last ? "" : kGap;
    }
    out.resize(out.find_last_not_of(' ') + 1);
    return style.fold ? cut(out, style.width) : out;
  };
  const auto title = [&](std::size_t i) -> std::string_view { return columns_[i].title; };
  auto out = style.headings ? tinted(style, Tint::dim, line(title)) + '\n' : std::string();
  for (const auto& row : rows_) {
    out += is_heading(row) ? row.front()
                           : line([&](std::size_t i) -> std::string_view { return row[i]; });
    out += '\n';
  }
  return out;
}

std::string summary_again(const std::string& summary, std::size_t rows, const TextStyle& style) {
  return style.height > 0 && rows >= style.height ? '\n' + summary : std::string();
}

std::size_t display_width(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (const auto word : words(text)) {
    std::string rest(word);
    if (!lines.back().empty() && display_width(lines.back()) + 1 + display_width(rest) <= width) {
      lines.back() += ' ' + rest;
      continue;
    }
    if (!lines.back().empty()) {
      lines.emplace_back();
    }
    while (display_width(rest) > width) {
      const auto bytes = bytes_of(rest, width);
      lines.back() = rest.substr(0, bytes);
      rest.erase(0, bytes);
      lines.emplace_back();
    }
    lines.back() = rest;
  }
  return lines;
}

std::string folded(std::string_view text, std::size_t column, const TextStyle& style) {
  constexpr std::size_t kLeast = 20;  // In less, the terminal's own folding reads better.
  if (!style.fold || column + kLeast > style.width) {
    return std::string(text);
  }
  const auto lines = wrapped(text, style.width - column);
  return fmt::format("{}", fmt::join(lines, fmt::format("\n{:{}}", "", column)));
}

std::string cut(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) {
    return std::string(text);
  }
  constexpr std::string_view kDots = "...";
  const auto room = width - std::min(width, kDots.size());
  return fmt::format("{}{}", text.substr(0, bytes_of(text, room)), kDots);
}

std::string tinted(const TextStyle& style, Tint tint, std::string_view text) {
  constexpr std::array<std::string_view, 5> kCodes = {"31", "32", "33", "2", "1"};
  return style.color
             ? fmt::format("\x1b[{}m{}\x1b[0m", kCodes.at(static_cast<std::size_t>(tint)), text)
             : std::string(text);
}

std::string list_text(const std::optional<CpuSet>& cpus) {
  return cpus && !cpus->empty() ? cpus->to_list() : "-";
}

std::optional<CpuSet> place_of(const Delivery& delivery, const std::optional<CpuSet>& effective) {
  const bool one = effective && effective->size() == 1;
  return one || delivery.cpus.empty() ? effective : delivery.cpus;
}

std::string unknown_text(std::size_t unknown) {
  return unknown > 0 ? fmt::format(", {} in places unknown", unknown) : std::string{};
}

std::string index_text(const VectorId& vector) {
  return vector.kind == VectorKind::intx
             ? std::string("intx")
             : fmt::format("{}/{}", kind_text(vector.kind), vector.index);
}

std::string vector_text(const VectorId& vector) {
  return fmt::format("{} {}", vector.device.to_string(), index_text(vector));
}

}  // namespace irqtune
