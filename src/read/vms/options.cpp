// SPDX-License-Identifier: Apache-2.0
#include "read/vms/options.h"

#include <algorithm>
#include <cstddef>

namespace irqtune {

namespace {

std::vector<OptionPair> parse_plain(std::string_view text) {
  std::vector<OptionPair> options(1);
  bool in_value = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto& [key, value] = options.back();
    if (text[i] == ',' && !text.substr(i + 1).starts_with(',')) {
      options.emplace_back();
      in_value = false;
    } else if (text[i] == '=' && !in_value) {
      in_value = true;
    } else {
      (in_value ? value : key) += text[i];
      i += text[i] == ',' ? 1U : 0U;
    }
  }
  return options;
}

/// Takes a JSON string from the start of `rest`, behind its opening quote. Escapes other than of
/// quotes and backslashes are kept as they stand: no address needs them.
std::string take_json_string(std::string_view& rest) {
  std::string out;
  while (!rest.empty() && rest.front() != '"') {
    if (rest.front() == '\\' && rest.size() > 1) {
      rest.remove_prefix(1);
    }
    out += rest.front();
    rest.remove_prefix(1);
  }
  if (!rest.empty()) {
    rest.remove_prefix(1);
  }
  return out;
}

/// Walks JSON text that may be torn; what is no string is passed over. Keys are cut, and those of
/// the outermost objects alone stand before others: each value has them all.
class JsonStrings {
 public:
  std::vector<OptionPair> parse(std::string_view text) {
    while (!text.empty()) {
      const char c = text.front();
      text.remove_prefix(1);
      if (c == '"') {
        take_string(take_json_string(text));
      } else {
        take_mark(c);
      }
    }
    if (options_.empty()) {
      options_.emplace_back();
    }
    return std::move(options_);
  }

 private:
  void take_string(std::string string) {
    if (is_value_) {
      options_.emplace_back(prefix_ + key_, std::move(string));
    } else {
      key_ = string.substr(0, kLongestKey);
    }
    is_value_ = false;
  }

  void take_mark(char c) {
    if (c == '{' || c == '[') {
      outer_.push_back(prefix_.size());
      prefix_ += outer_.size() > 1 && outer_.size() <= kDeepest ? key_ + '.' : "";
    } else if ((c == '}' || c == ']') && !outer_.empty()) {
      prefix_.resize(outer_.back());
      outer_.pop_back();
    }
    is_value_ = c == ':' || (is_value_ && (c == ' ' || c == '\t'));
  }

  static constexpr std::size_t kLongestKey = 64;
  static constexpr std::size_t kDeepest = 8;

  std::vector<OptionPair> options_;
  std::vector<std::size_t> outer_;  ///< Length of the prefix outside of each open object.
  std::string prefix_;
  std::string key_;
  bool is_value_ = false;
};

}  // namespace

std::vector<OptionPair> parse_options(std::string_view text) {
  constexpr std::size_t kLongest = 1 << 16;
  if (text.size() > kLongest) {
    return {OptionPair{}};
  }
  return text.starts_with('{') ? JsonStrings().parse(text) : parse_plain(text);
}

std::string option(const std::vector<OptionPair>& options, std::string_view key) {
  std::string value;
  for (const auto& [name, text] : options) {
    value = name == key ? text : value;
  }
  return value;
}

}  // namespace irqtune
