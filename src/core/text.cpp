// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <utility>

namespace irqtune {

namespace {

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

bool is_space(char c) noexcept {
  return is_blank(c) || c == '\r' || c == '\n' || c == '\0';
}

/// Length of the well-formed UTF-8 sequence at the start of `text`, 0 if there is none.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  const auto second = length > 1 ? byte(1) : std::uint8_t{0};
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : length;
}

/// Matches one "[...]" at the start of `pattern` with `c`; returns the pattern behind it, or an
/// empty optional if it does not match.
std::optional<std::string_view> match_class(std::string_view pattern, char c) noexcept {
  auto rest = pattern.substr(1);
  const bool negated = rest.starts_with('!') || rest.starts_with('^');
  if (negated) {
    rest.remove_prefix(1);
  }
  bool found = false;
  for (bool first = true; !rest.empty() && (first || rest.front() != ']'); first = false) {
    const char low = rest.front();
    char high = low;
    if (rest.size() > 2 && rest[1] == '-' && rest[2] != ']') {
      high = rest[2];
      rest.remove_prefix(2);
    }
    rest.remove_prefix(1);
    found = found || (low <= c && c <= high);
  }
  if (rest.empty()) {  // No closing bracket: '[' stands for itself.
    return c == '[' ? std::optional(pattern.substr(1)) : std::nullopt;
  }
  return found != negated ? std::optional(rest.substr(1)) : std::nullopt;
}

/// The pattern behind its first element if that matches `c`.
std::optional<std::string_view> match_one(std::string_view pattern, char c) noexcept {
  if (pattern.empty()) {
    return std::nullopt;
  }
  if (pattern.front() == '[') {
    return match_class(pattern, c);
  }
  return pattern.front() == '?' || pattern.front() == c ? std::optional(pattern.substr(1))
                                                        : std::nullopt;
}

/// One character for `printf %b` in single quotes. Source: POSIX printf(1), octal as "\\0ddd".
void append_escaped(std::string& out, std::string_view part, const Character& character) {
  if (character.bytes > 0 && is_shown(character.code) && part != "'" && part != "\\") {
    out += part;
    return;
  }
  for (const char c : part) {
    const unsigned byte = static_cast<std::uint8_t>(c);
    out += "\\0";
    for (const unsigned shift : {6U, 3U, 0U}) {
      out += static_cast<char>('0' + (byte >> shift & 7U));
    }
  }
}

/// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      const auto swap = swapped ? before[j - 2] + 1 : change;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change, swap});
    }
    before.swap(last);
    last.swap(row);
  }
  return last.back();
}

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::string_view take_until(std::string_view& rest, char separator) noexcept {
  const auto end = rest.find(separator);
  const auto part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return part;
}

std::string_view take_word(std::string_view& rest) noexcept {
  while (!rest.empty() && is_blank(rest.front())) {
    rest.remove_prefix(1);
  }
  const auto end = std::min(rest.find_first_of(" \t"), rest.size());
  const auto word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  if (text.empty()) {
    return parts;
  }
  while (text.find(separator) != std::string_view::npos) {
    parts.push_back(take_until(text, separator));
  }
  parts.push_back(text);
  return parts;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && is_space(text[at])) {
      ++at;
    }
    const auto first = at;
    while (at < text.size() && !is_space(text[at])) {
      ++at;
    }
    if (at > first) {
      found.push_back(text.substr(first, at - first));
    }
  }
  return found;
}

bool matches_glob(std::string_view pattern, std::string_view text) noexcept {
  std::optional<std::pair<std::string_view, std::string_view>> retry;  // Behind the last '*'.
  while (!text.empty() || pattern.starts_with('*')) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      retry = {pattern, text};
      continue;
    }
    if (const auto behind = match_one(pattern, text.front())) {
      pattern = *behind;
      text.remove_prefix(1);
      continue;
    }
    if (!retry) {
      return false;
    }
    retry->second.remove_prefix(1);  // The '*' takes one character more.
    std::tie(pattern, text) = *retry;
  }
  return pattern.empty();
}

bool matches_any(std::span<const std::string> globs, std::string_view text) noexcept {
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    return glob == text || matches_glob(glob, text);
  });
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

Character first_character(std::string_view text) noexcept {
  constexpr unsigned kPayload = 0x3f;  // Of each byte but the first.
  Character character;
  character.bytes = text.empty() ? 0 : utf8_length(text);
  if (character.bytes > 0) {
    const auto first = static_cast<std::uint8_t>(text[0]);
    const auto mask = character.bytes == 1 ? 0x7fU : 0x7fU >> character.bytes;
    character.code = first & mask;
  }
  for (std::size_t i = 1; i < character.bytes; ++i) {
    character.code = character.code << 6U | (static_cast<std::uint8_t>(text[i]) & kPayload);
  }
  return character;
}

bool is_shown(char32_t code) noexcept {
  using Range = std::pair<char32_t, char32_t>;
  constexpr std::array<Range, 11> kHidden = {Range{0x00, 0x1f},  // Controls
                                             Range{0x7f, 0x9f},
                                             Range{0xad, 0xad},      // Soft hyphen
                                             Range{0x61c, 0x61c},    // Marks and overrides of
                                             Range{0x200b, 0x200f},  // direction, joiners,
                                             Range{0x2028, 0x202e},  // separators of lines
                                             Range{0x2060, 0x206f},
                                             Range{0x180e, 0x180e},
                                             Range{0xfeff, 0xfeff},
                                             Range{0xfff9, 0xfffb},
                                             Range{0xe0000, 0xe007f}};  // Tags
  return std::ranges::none_of(
      kHidden, [&](const Range& range) { return range.first <= code && code <= range.second; });
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto character = first_character(text);
    const auto bytes = std::max<std::size_t>(character.bytes, 1);
    if (character.bytes > 0 && is_shown(character.code)) {
      out += text.substr(0, bytes);
    } else {
      out += '?';
    }
    text.remove_prefix(bytes);
  }
  return out;
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/=,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  const bool shown = printable(word) == word;
  std::string out = shown ? "'" : "\"$(printf %b '";
  while (!word.empty()) {
    const auto character = first_character(word);
    const auto part = word.substr(0, std::max<std::size_t>(character.bytes, 1));
    word.remove_prefix(part.size());
    if (shown) {
      out += part == "'" ? "'\\''" : part;
    } else {
      append_escaped(out, part, character);
    }
  }
  return out + (shown ? "'" : "')\"");
}

JsonExtent json_extent(std::string_view text) noexcept {
  JsonExtent extent;
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = text.find_first_of("\"\\[]{},:"); at != std::string_view::npos;
       at = text.find_first_of(in_string ? "\"\\" : "\"[]{},:", at + 1)) {
    const char c = text[at];
    if (c == '"') {
      in_string = !in_string;
    } else if (c == '\\') {
      at += in_string ? 1 : 0;  // What is escaped ends no string.
    } else if (c == ']' || c == '}') {
      depth -= depth > 0 ? 1 : 0;
    } else {
      depth += c == '[' || c == '{' ? 1 : 0;
      extent.depth = std::max(extent.depth, depth);
      ++extent.marks;
    }
  }
  return extent;
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& names) {
  constexpr std::size_t kLongest = 256;  // Keeps the square of hostile lengths small.
  const auto wanted = lower_ascii(name);
  std::string best;
  auto best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const auto& candidate : names) {
    if (name.size() > kLongest || candidate.size() > kLongest) {
      continue;
    }
    const auto distance = edit_distance(wanted, lower_ascii(candidate));
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (!best.empty() || name.size() < 2) {
    return best;
  }
  const auto longer = std::ranges::find_if(
      names, [&](const std::string& candidate) { return candidate.starts_with(name); });
  return longer != names.end() ? *longer : best;
}

std::string rate_text(const std::optional<double>& rate) {
  constexpr double kThousand = 1e3;
  constexpr double kMillion = 1e6;
  if (!rate) {
    return "-";
  }
  if (*rate >= kMillion) {
    return fmt::format("{:.1f}M", *rate / kMillion);
  }
  if (*rate >= 10 * kThousand) {
    return fmt::format("{:.1f}k", *rate / kThousand);
  }
  return *rate >= 10 || *rate == 0 ? fmt::format("{:.0f}", *rate) : fmt::format("{:.1f}", *rate);
}

std::optional<std::pair<int, int>> kernel_version(std::string_view release) {
  const auto major = parse_number<int>(take_until(release, '.'));
  const auto end = std::min(release.find_first_not_of("0123456789"), release.size());
  const auto minor = parse_number<int>(release.substr(0, end));
  return major && minor ? std::optional(std::pair(*major, *minor)) : std::nullopt;
}

}  // namespace irqtune
