// SPDX-License-Identifier: Apache-2.0
#include "cli/parse/config_text.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

/// Walks the text from its first line to its last.
class ConfigReader {
 public:
  ConfigReader(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  std::vector<ConfigEntry> read() {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (rest_.starts_with(kByteOrderMark)) {
      rest_.remove_prefix(kByteOrderMark.size());
    }
    for (skip_blank_lines(); !rest_.empty(); skip_blank_lines()) {
      if (rest_.front() == '[') {
        read_section();
      } else {
        read_entry();
      }
      require_end_of_line();
    }
    return std::move(entries_);
  }

 private:
  [[noreturn]] void fail(std::size_t line, std::string_view what) const {
    throw Error(ErrorKind::usage,
                fmt::format("{}:{}: {}", name_, line, what),
                "see irqtune(8), CONFIGURATION FILE");
  }

  void skip_spaces() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r"), rest_.size()));
  }

  void skip_line() {
    rest_.remove_prefix(std::min(this_line().size() + 1, rest_.size()));
    ++line_;
  }

  [[nodiscard]] bool at_comment() const { return rest_.starts_with('#') || rest_.starts_with(';'); }

  /// Goes to the next character that is neither space nor comment, on whatever line.
  void skip_blank_lines() {
    for (skip_spaces(); rest_.starts_with('\n') || at_comment(); skip_spaces()) {
      skip_line();
    }
  }

  void require_end_of_line() {
    skip_spaces();
    if (!rest_.empty() && rest_.front() != '\n' && !at_comment()) {
      fail(line_, fmt::format("{}: not expected here", printable(trimmed(this_line()))));
    }
  }

  [[nodiscard]] std::string_view this_line() const { return rest_.substr(0, rest_.find('\n')); }

  /// What stands before any of `ends` on this line, without the space around it.
  std::string take_bare(std::string_view ends) {
    const auto line = this_line();
    const auto text = line.substr(0, line.find_first_of(ends));
    rest_.remove_prefix(text.size());
    return std::string(trimmed(text));
  }

  void read_section() {
    rest_.remove_prefix(1);
    section_ = take_bare("]#");
    if (!rest_.starts_with(']')) {
      fail(line_, fmt::format("[{}: no ] on this line", printable(section_)));
    }
    rest_.remove_prefix(1);
  }

  void read_entry() {
    ConfigEntry entry;
    entry.line = line_;
    entry.section = section_;
    const bool quoted = at_quote();
    entry.key = quoted ? take_quoted() : take_bare("=#");
    if (const auto dot = entry.key.rfind('.');
        !quoted && section_.empty() && dot != std::string::npos) {
      entry.section = entry.key.substr(0, dot);
      entry.key.erase(0, dot + 1);
    }
    skip_spaces();
    if (entry.key.empty()) {
      fail(line_, "no key before the =");
    } else if (rest_.starts_with('=')) {
      rest_.remove_prefix(1);
      read_value(entry);
    } else {
      entry.values = {"true"};
    }
    entries_.push_back(std::move(entry));
  }

  void read_value(ConfigEntry& entry) {
    skip_spaces();
    if (rest_.starts_with('[')) {
      read_array(entry);
    } else if (at_quote()) {
      entry.values = {take_quoted()};
    } else {
      entry.bare = true;
      entry.values = {take_bare("#")};
      if (entry.values.front().empty()) {
        fail(line_, fmt::format("{}: no value after the =", printable(entry.key)));
      }
    }
  }

  void read_array(ConfigEntry& entry) {
    rest_.remove_prefix(1);
    for (skip_blank_lines(); !rest_.starts_with(']'); skip_blank_lines()) {
      const auto line = line_;
      const auto value = rest_.empty() ? std::string()
                         : at_quote()  ? take_quoted()
                                       : take_bare(",]#");
      skip_blank_lines();
      if (rest_.empty()) {
        fail(entry.line, fmt::format("{}: [ without ]", printable(entry.key)));
      }
      if (!rest_.starts_with(',') && !rest_.starts_with(']')) {
        fail(line_, fmt::format("{}: no comma between two values", printable(entry.key)));
      }
      rest_.remove_prefix(rest_.front() == ',' ? 1 : 0);
      entry.values.push_back(value);
      entry.lines.push_back(line);
    }
    rest_.remove_prefix(1);
  }

  [[nodiscard]] bool at_quote() const { return rest_.starts_with('"') || rest_.starts_with('\''); }

  /// A string in its quotes; only double ones have escapes.
  std::string take_quoted() {
    const char quote = rest_.front();
    rest_.remove_prefix(1);
    std::string text;
    while (!rest_.starts_with(quote)) {
      if (rest_.empty() || rest_.front() == '\n') {
        fail(line_, fmt::format("{}{}: no {} on this line", quote, printable(text), quote));
      }
      text += quote == '"' && rest_.front() == '\\' ? take_escape() : take_character();
    }
    rest_.remove_prefix(1);
    return text;
  }

  char take_character() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  char take_escape() {
    constexpr std::string_view kNames = "\\\"tn";
    constexpr std::string_view kMeanings = "\\\"\t\n";
    rest_.remove_prefix(1);
    const auto at = rest_.empty() ? std::string_view::npos : kNames.find(rest_.front());
    if (at == std::string_view::npos) {
      fail(line_, R"(a \ in double quotes: write \\, or the text in single quotes)");
    }
    rest_.remove_prefix(1);
    return kMeanings[at];
  }

  std::string_view rest_;
  const std::string& name_;
  std::string section_;
  std::size_t line_ = 1;
  std::vector<ConfigEntry> entries_;
};

}  // namespace

std::vector<ConfigEntry> parse_config_text(std::string_view text, const std::string& name) {
  return ConfigReader(text, name).read();
}

}  // namespace irqtune
