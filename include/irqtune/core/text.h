// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace irqtune {

/// `text` without blanks, tabs, carriage returns, newlines and NUL bytes at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// Removes the part before the first `separator` from `rest` and returns it; all of `rest` if there
/// is none.
[[nodiscard]] std::string_view take_until(std::string_view& rest, char separator) noexcept;

/// Removes the first word (a run without blanks or tabs) from `rest`, and the blanks before it.
[[nodiscard]] std::string_view take_word(std::string_view& rest) noexcept;

/// The parts of `text` between separators; empty parts are kept, the empty text has none.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// The words of `text`, that is its runs without blanks, tabs and newlines.
[[nodiscard]] std::vector<std::string_view> words(std::string_view text);

/// All of `text` as a number; empty optional if it is anything else or does not fit.
template <std::integral Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text, int base = 10) noexcept {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

/// As parse_number, for hexadecimal text with or without "0x".
template <std::integral Number>
[[nodiscard]] std::optional<Number> parse_hex(std::string_view text) noexcept {
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
  }
  return parse_number<Number>(text, 16);
}

/// Shell-style pattern with `*`, `?` and `[...]` against the whole of `text`. Source: glob(7); no
/// special treatment of '/' or leading dots.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text) noexcept;

/// True if one of `globs` is `text` itself, since a name may have a glob's signs in it, or matches
/// it.
[[nodiscard]] bool matches_any(std::span<const std::string> globs, std::string_view text) noexcept;

[[nodiscard]] constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// `text` with A to Z in lower case, whatever the locale; other characters stay.
[[nodiscard]] std::string lower_ascii(std::string_view text);

/// A character of UTF-8 text.
struct Character {
  std::size_t bytes = 0;  ///< 0 if it is not well-formed.
  char32_t code = 0;
};

/// The character at the start of `text`.
[[nodiscard]] Character first_character(std::string_view text) noexcept;

/// False for characters that a terminal obeys rather than shows: controls, separators of lines,
/// marks that turn the direction of text or take no room. Source: Unicode, categories Cc, Cf, Zl
/// and Zp.
[[nodiscard]] bool is_shown(char32_t code) noexcept;

/// `text` with '?' for each character that is not shown and each byte that is not UTF-8: names come
/// from guests and drivers, and a terminal obeys what it is shown.
[[nodiscard]] std::string printable(std::string_view text);

/// "0 vectors", "1 vector", "2 vectors".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

/// `word` as one word of sh that is printable itself. NUL bytes and newlines at its end, which no
/// word can have, may get lost.
[[nodiscard]] std::string shell_word(std::string_view word);

/// What bounds the values that a parser makes of JSON text.
struct JsonExtent {
  std::size_t depth = 0;  ///< Most brackets that are open at a time.
  std::size_t marks = 0;  ///< Opening brackets, commas and colons outside of strings.
};

/// Of any text, in one pass: a parser that counts for itself stops too late, or is slow.
[[nodiscard]] JsonExtent json_extent(std::string_view text) noexcept;

/// The member of `names` nearest to `name` by edit distance, capitals or not, if near enough to be
/// a slip of the finger (at most a third of its length, and at least one); else the first that
/// begins with it, of at least two letters; empty if none does.
[[nodiscard]] std::string nearest_name(std::string_view name,
                                       const std::vector<std::string>& names);

/// "12", "3.4", "12k", "1.2M": interrupts per second for people; "-" if unknown.
[[nodiscard]] std::string rate_text(const std::optional<double>& rate);

/// "6.12.95+deb12-amd64" -> {6, 12}; empty optional if it does not begin so.
[[nodiscard]] std::optional<std::pair<int, int>> kernel_version(std::string_view release);

}  // namespace irqtune
