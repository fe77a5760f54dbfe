// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/cpus/lscpu_text.h"

#include <algorithm>
#include <cstdint>

namespace irqtune {

namespace {

bool is_word_cpu(std::string_view word) {
  return word == "CPU" || word == "cpu" || word == "Cpu";
}

/// The fields of a line with commas between; a field in double quotes may hold commas.
std::vector<std::string> comma_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  for (auto& field : fields) {
    field = std::string(trimmed(field));
  }
  return fields;
}

bool is_cpu_number(std::string_view text) {
  return parse_number<std::uint32_t>(text).has_value();
}

/// Columns that a terminal needs for the code point at the start of `text`, and its bytes.
struct Glyph {
  std::size_t columns = 1;
  std::size_t bytes = 1;
};

Glyph first_glyph(std::string_view text) {
  const auto first = static_cast<std::uint8_t>(text.front());
  const std::size_t bytes = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  constexpr std::uint8_t kFirstWide = 0xe2;  // East Asian scripts, near enough: U+2E80 and above.
  return {bytes >= 3 && first > kFirstWide ? 2U : 1U, std::min(bytes, text.size())};
}

/// A word and where it stands on the screen.
struct PlacedWord {
  std::string_view text;
  std::size_t begin = 0;
  std::size_t end = 0;
};

std::vector<PlacedWord> placed_words(std::string_view line) {
  std::vector<PlacedWord> found;
  std::size_t column = 0;
  std::size_t start = 0;
  for (std::size_t at = 0; at < line.size();) {
    const bool blank = line[at] == ' ' || line[at] == '\t' || line[at] == '\r';
    const auto glyph = first_glyph(line.substr(at));
    if (!blank && (found.empty() || found.back().end != column)) {
      start = at;
      found.push_back({{}, column, column});
    }
    column += glyph.columns;
    at += glyph.bytes;
    if (!blank) {
      found.back().text = line.substr(start, at - start);
      found.back().end = column;
    }
  }
  return found;
}

/// A header of `lscpu -e` has only column names in it: capitals, and the caches "L1d:L1i:L2:L3".
bool is_column_name(std::string_view word) {
  const bool caches = word.size() >= 2 && word[0] == 'L' && word[1] >= '1' && word[1] <= '9';
  return caches || std::ranges::all_of(word, [](char c) {
           return (c >= 'A' && c <= 'Z') || c == '%' || c == '-' || c == '_' || c == ':';
         });
}

bool is_extended_header(const std::vector<PlacedWord>& line) {
  const auto text = [](const PlacedWord& word) { return word.text; };
  return line.size() <= kMaxColumns && std::ranges::all_of(line, is_column_name, text) &&
         std::ranges::find(line, "CPU", text) != line.end();
}

/// How far apart two words stand; 0 if one is over the other.
std::size_t gap(const PlacedWord& a, const PlacedWord& b) {
  return a.begin >= b.end ? a.begin - b.end + 1 : b.begin >= a.end ? b.begin - a.end + 1 : 0;
}

/// Puts words under the headers that they overlap on the screen: cells may be empty, or hold
/// blanks. A word that is under none goes on with the cell before it if one blank is between, else
/// to the nearest.
std::vector<std::string> cells_by_place(const std::vector<PlacedWord>& header,
                                        const std::vector<PlacedWord>& line) {
  std::vector<std::string> cells(header.size());
  const PlacedWord* before = nullptr;
  std::size_t column = 0;
  for (const auto& word : line) {
    const auto nearest = std::ranges::min_element(
        header, {}, [&](const PlacedWord& name) { return gap(word, name); });
    const bool goes_on = before != nullptr && word.begin == before->end + 1;
    if (!goes_on || gap(word, *nearest) == 0) {
      column = static_cast<std::size_t>(nearest - header.begin());
    }
    auto& cell = cells[column];
    cell += cell.empty() ? "" : " ";
    cell += word.text;
    before = &word;
  }
  return cells;
}

std::vector<std::string> extended_cells(const std::vector<PlacedWord>& header,
                                        std::string_view line,
                                        const std::vector<PlacedWord>& words) {
  if (words.size() == header.size()) {
    std::vector<std::string> cells;
    cells.reserve(words.size());
    for (const auto& word : words) {
      cells.emplace_back(word.text);
    }
    return cells;
  }
  if (const auto raw = split(line, ' ');
      raw.size() == header.size()) {  // --raw: one blank between.
    return {raw.begin(), raw.end()};
  }
  return cells_by_place(header, words);
}

/// lscpu leaves a cache out of the row of a CPU that has none such, so that in a row that is too
/// short nobody knows which caches the last cells are.
void fit(std::vector<std::string>& cells, const std::vector<std::string>& columns) {
  const auto caches = std::ranges::find(columns, std::string());
  if (cells.size() < columns.size() && caches != columns.end()) {
    cells.resize(std::min(cells.size(), static_cast<std::size_t>(caches - columns.begin())));
  }
  cells.resize(std::min(cells.size(), columns.size()));
}

/// The names of the columns if the comment tells them: "# CPU,Core,Socket"; else none.
std::vector<std::string> header_names(std::string_view line) {
  auto names = comma_fields(line.substr(1));
  const bool is_header = std::ranges::any_of(names, is_word_cpu) && names.size() <= kMaxColumns;
  return is_header ? names : std::vector<std::string>();
}

}  // namespace

std::optional<CpuTable> find_parsable_table(std::string_view text) {
  CpuTable table;
  for (auto line : split(text, '\n')) {
    if (table.rows.size() >= kMaxRows) {
      break;
    }
    line = trimmed(line);
    const bool is_comment = line.starts_with('#');
    auto names = is_comment ? header_names(line) : std::vector<std::string>();
    if (!names.empty() && !table.rows.empty()) {
      break;  // A second table, of the same CPUs.
    }
    if (!names.empty()) {
      table.columns = std::move(names);
    }
    if (is_comment) {
      continue;
    }
    auto cells = comma_fields(line);
    if (table.columns.empty() && cells.size() >= 4 && is_cpu_number(cells.front()) &&
        line.find_first_not_of("0123456789,") == std::string_view::npos) {  // Without its comments.
      table.columns = {"CPU", "Core", "Socket", "Node", "", "L1d", "L1i", "L2", "L3"};
    }
    if (!table.columns.empty() && !line.empty()) {
      fit(cells, table.columns);
      table.rows.push_back(std::move(cells));
    }
  }
  return table.columns.empty() ? std::nullopt : std::optional(std::move(table));
}

std::optional<CpuTable> find_extended_table(std::string_view text) {
  CpuTable table;
  std::vector<PlacedWord> header;
  for (const auto line : split(text, '\n')) {
    const auto words = placed_words(line);
    if (words.empty()) {
      continue;
    }
    if (header.empty()) {
      header = is_extended_header(words) ? words : header;
      continue;
    }
    if (table.rows.size() >= kMaxRows) {
      break;
    }
    table.rows.push_back(extended_cells(header, line, words));
  }
  for (const auto& word : header) {
    table.columns.emplace_back(word.text);
  }
  return table.rows.empty() ? std::nullopt : std::optional(std::move(table));
}

}  // namespace irqtune
