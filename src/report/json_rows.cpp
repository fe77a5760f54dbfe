// SPDX-License-Identifier: Apache-2.0
#include "report/json_rows.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

constexpr std::size_t kIndent = 2;

bool is_plain(char c) noexcept {
  return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

}  // namespace

void JsonRows::new_line() {
  text_ += '\n';
  text_.append(depth_ * kIndent, ' ');
}

void JsonRows::begin_value() {
  if (!named_) {
    text_ += first_ ? "" : ",";
    new_line();
  }
  named_ = false;
  first_ = false;
}

void JsonRows::name(std::string_view name) {
  begin_value();
  text_ += '"';
  text_ += name;
  text_ += "\": ";
  named_ = true;
}

void JsonRows::open(char bracket) {
  begin_value();
  text_ += bracket;
  ++depth_;
  first_ = true;
}

void JsonRows::close(char bracket) {
  --depth_;
  if (!first_) {
    new_line();
  }
  text_ += bracket;
  first_ = false;
}

void JsonRows::value(std::string_view text) {
  if (!std::ranges::all_of(text, is_plain)) {
    json(Json(text));
    return;
  }
  begin_value();
  text_ += '"';
  text_ += text;
  text_ += '"';
}

void JsonRows::value(std::uint64_t number) {
  begin_value();
  const fmt::format_int digits(number);
  text_.append(digits.data(), digits.size());
}

void JsonRows::json(const Json& value) {
  begin_value();
  text_ += line_text(value);
}

void JsonRows::truth(bool value) {
  begin_value();
  text_ += value ? "true" : "false";
}

void JsonRows::null() {
  begin_value();
  text_ += "null";
}

std::string document_text(const Json& document,
                          std::string_view name,
                          const std::function<void(JsonRows&)>& fill) {
  auto text = document_text(document);
  // A line break stands between members only: in strings it is escaped.
  const auto empty = fmt::format("\n  \"{}\": []", name);
  const auto at = text.find(empty);
  if (at == std::string::npos) {
    return text;
  }
  const auto rest = text.substr(at + empty.size());
  text.resize(at + empty.size() - 2);
  JsonRows rows(text, 1);
  rows.open('[');
  fill(rows);
  rows.close(']');
  text += rest;
  return text;
}

}  // namespace irqtune
