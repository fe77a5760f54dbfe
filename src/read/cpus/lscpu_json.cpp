// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/cpus/lscpu_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace irqtune {

namespace {

using Json = nlohmann::json;

/// Deep enough for lscpu (three levels), and not for a text made to exhaust the stack.
constexpr std::size_t kMaxDepth = 32;

std::string cell_text(const Json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (value.is_boolean()) {
    return value.get<bool>() ? "yes" : "no";
  }
  return value.is_number() ? value.dump() : std::string{};
}

std::string member_text(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() ? cell_text(*found) : std::string{};
}

/// "Socket(s):" -> "Socket(s)": the plain text's colon is in the label here.
std::string label_of(const Json& field) {
  auto label = member_text(field, "field");
  label.erase(std::min(label.find(':'), label.size()));
  return label;
}

/// Fields in the order of the plain text: each before its children.
void add_fields(const Json& fields, std::size_t depth, std::vector<SummaryRow>& rows) {
  if (!fields.is_array() || depth > kMaxDepth) {
    return;
  }
  for (const auto& field : fields) {
    if (!field.is_object()) {
      continue;
    }
    rows.push_back({label_of(field), member_text(field, "data")});
    if (const auto children = field.find("children"); children != field.end()) {
      add_fields(*children, depth + 1, rows);
    }
  }
}

void add_columns(const Json& cpu, std::vector<std::string>& columns) {
  if (!cpu.is_object()) {
    return;
  }
  for (const auto& member : cpu.items()) {
    if (columns.size() < kMaxColumns && std::ranges::find(columns, member.key()) == columns.end()) {
      columns.push_back(member.key());
    }
  }
}

/// The text with `null` for each bare "-", as util-linux 2.37 to 2.39 print a number that they do
/// not know: "core": -. Source: util-linux lscpu.c, print_cpus_readable().
std::string with_nulls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted && c == '\\') {
      out += text.substr(at++, 2);
      continue;
    }
    quoted = quoted != (c == '"');
    const bool is_sign = at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9';
    const bool is_unknown = c == '-' && !quoted && !is_sign;
    out += is_unknown ? std::string_view("null") : text.substr(at, 1);
  }
  return out;
}

/// The parser itself does not limit the depth.
Json parse_json(std::string_view text) {
  return json_extent(text).depth > kMaxDepth ? Json(Json::value_t::discarded)
                                             : Json::parse(text, nullptr, false);
}

CpuTable to_table(const Json& cpus) {
  CpuTable table;
  for (const auto& cpu : cpus) {
    add_columns(cpu, table.columns);
  }
  for (std::size_t i = 0; i < std::min(cpus.size(), kMaxRows); ++i) {
    const auto& cpu = cpus[i];
    auto& row = table.rows.emplace_back();
    for (const auto& column : table.columns) {
      row.push_back(cpu.is_object() ? member_text(cpu, column.c_str()) : std::string{});
    }
  }
  return table;
}

}  // namespace

std::optional<CpuText> facts_from_json(std::string_view text) {
  auto document = parse_json(text);
  if (document.is_discarded()) {
    document = parse_json(with_nulls(text));
  }
  if (!document.is_object()) {
    return std::nullopt;
  }
  if (const auto cpus = document.find("cpus"); cpus != document.end() && cpus->is_array()) {
    return facts_from_table(to_table(*cpus));
  }
  if (const auto fields = document.find("lscpu"); fields != document.end()) {
    std::vector<SummaryRow> rows;
    add_fields(*fields, 0, rows);
    return facts_from_summary(rows);
  }
  return std::nullopt;
}

}  // namespace irqtune
