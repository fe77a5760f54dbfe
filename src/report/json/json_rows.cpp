// SPDX-License-Identifier: Apache-2.0
#include "report/json/json_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <sstream>
#include <string>

namespace irqtune {

namespace {

constexpr std::size_t kIndent = 2;
constexpr std::size_t kPiece = std::size_t{64} << 10;  // As much as a pipe takes.
constexpr std::size_t kNumber = 24;                    // More than the longest number

/// True for what stands in a JSON string as it is. Looks at every byte, so that the compiler can
/// look at many at a time.
bool is_plain(std::string_view text) noexcept {
  unsigned odd = 0;
  for (const char c : text) {
    odd |= static_cast<unsigned>(c < ' ') | static_cast<unsigned>(c > '~') |
           static_cast<unsigned>(c == '"') | static_cast<unsigned>(c == '\\');
  }
  return odd == 0;
}

char* copy(std::string_view text, char* to) noexcept {
  return std::copy(text.begin(), text.end(), to);
}

char* copy(std::uint64_t number, char* to) noexcept {
  const fmt::format_int digits(number);
  return std::copy(digits.data(), digits.data() + digits.size(), to);
}

}  // namespace

JsonRows::JsonRows(std::ostream& out, std::size_t depth)
    : out_(out), piece_(kPiece), depth_(depth) {}

void JsonRows::flush() {
  out_.write(piece_.data(), static_cast<std::streamsize>(used_));
  used_ = 0;
}

/// Where `bytes` more can be written, after what is held back.
char* JsonRows::room_for(std::size_t bytes) {
  if (bytes > piece_.size() - used_) {
    flush();
    piece_.resize(std::max(bytes, piece_.size()));
  }
  return piece_.data() + used_;
}

char* JsonRows::begin_line(char* at) const noexcept {
  *at++ = '\n';
  return std::fill_n(at, depth_ * kIndent, ' ');
}

/// Writes what comes before a value; where that goes, with room for so many bytes.
char* JsonRows::begin(std::size_t room) {
  auto* at = room_for(room + depth_ * kIndent + 2);
  if (!named_) {
    *at = ',';
    at = begin_line(at + (first_ ? 0 : 1));
  }
  named_ = false;
  first_ = false;
  return at;
}

void JsonRows::end(const char* at) noexcept {
  used_ = static_cast<std::size_t>(at - piece_.data());
}

void JsonRows::name(std::string_view name) {
  auto* at = begin(name.size() + 4);
  *at++ = '"';
  at = copy("\": ", copy(name, at));
  end(at);
  named_ = true;
}

void JsonRows::open(char bracket) {
  auto* at = begin(1);
  *at++ = bracket;
  end(at);
  ++depth_;
  first_ = true;
}

void JsonRows::close(char bracket) {
  --depth_;
  auto* at = room_for(depth_ * kIndent + 2);
  if (!first_) {
    at = begin_line(at);
  }
  *at++ = bracket;
  end(at);
  first_ = false;
}

void JsonRows::value(std::string_view text) {
  if (!is_plain(text)) {
    word(line_text(Json(text)));
    return;
  }
  auto* at = begin(text.size() + 2);
  *at++ = '"';
  at = copy(text, at);
  *at++ = '"';
  end(at);
}

void JsonRows::value(std::uint64_t number) {
  end(copy(number, begin(kNumber)));
}

void JsonRows::value(double number) {
  constexpr double kMost = 1e15;  // Beyond it the general form has an exponent.
  constexpr std::uint64_t kStep = 1000;
  const auto steps = std::round(number * kStep);
  if (!(steps >= 0 && steps < kMost)) {
    json(rate_or_null(number));
    return;
  }
  const auto whole = static_cast<std::uint64_t>(steps);
  auto* at = copy(whole / kStep, begin(kNumber));
  const auto fraction = static_cast<unsigned>(whole % kStep);
  *at++ = '.';
  *at++ = static_cast<char>('0' + fraction / 100);
  *at++ = static_cast<char>('0' + fraction / 10 % 10);
  *at++ = static_cast<char>('0' + fraction % 10);
  while (at[-1] == '0' && at[-2] != '.') {
    --at;
  }
  end(at);
}

void JsonRows::word(std::string_view word) {
  end(copy(word, begin(word.size())));
}

void JsonRows::json(const Json& value) {
  word(line_text(value));
}

void JsonRows::truth(bool value) {
  word(value ? "true" : "false");
}

void JsonRows::null() {
  word("null");
}

void print_document(std::ostream& out, const Json& document, const std::vector<LongList>& lists) {
  const auto text = document_text(document);
  std::size_t printed = 0;
  for (const auto& list : lists) {
    // A line break stands between members only: in strings it is escaped.
    const auto empty = fmt::format("\n  \"{}\": []", list.name);
    const auto at = text.find(empty, printed);
    if (at == std::string::npos) {
      continue;
    }
    const auto end = at + empty.size();
    out << std::string_view(text).substr(printed, end - 2 - printed);
    JsonRows rows(out, 1);
    rows.open('[');
    list.fill(rows);
    rows.close(']');
    rows.flush();
    printed = end;
  }
  out << std::string_view(text).substr(printed);
}

Json value_of(const std::function<void(JsonRows&)>& fill) {
  std::ostringstream out;
  JsonRows rows(out, 0);
  fill(rows);
  rows.flush();
  return Json::parse(out.str());
}

}  // namespace irqtune
