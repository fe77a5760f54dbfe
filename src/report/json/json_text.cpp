// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "report/json/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace irqtune {

namespace {

bool is_plain(char c) noexcept {
  return c == '\n' || (c >= ' ' && c <= '~');
}

/// "\u202e"; two of them beyond U+FFFF. Source: RFC 8259, section 7
std::string escape(char32_t code) {
  constexpr char32_t kBeyond = 0x10000;
  const auto value = static_cast<std::uint32_t>(code);
  if (code < kBeyond) {
    return fmt::format("\\u{:04x}", value);
  }
  const auto rest = value - static_cast<std::uint32_t>(kBeyond);
  return fmt::format("\\u{:04x}\\u{:04x}", 0xd800U + (rest >> 10U), 0xdc00U + (rest & 0x3ffU));
}

/// Such characters stand in strings only, and what is escaped there is the same document.
std::string with_escapes(std::string json) {
  auto rest = std::string_view(json);
  if (std::ranges::all_of(rest, is_plain)) {
    return json;
  }
  std::string out;
  out.reserve(json.size());
  while (!rest.empty()) {
    const auto character = first_character(rest);
    const auto part = rest.substr(0, std::max<std::size_t>(character.bytes, 1));
    const bool kept = part == "\n" || character.bytes == 0 || is_shown(character.code);
    out += kept ? std::string(part) : escape(character.code);
    rest.remove_prefix(part.size());
  }
  return out;
}

std::string text_of(const Json& json, int indent) {
  return with_escapes(json.dump(indent, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

std::string document_text(const Json& document) {
  return text_of(document, 2) + '\n';
}

std::string line_text(const Json& value) {
  return text_of(value, -1);
}

}  // namespace irqtune
