// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace irqtune {

namespace {

bool is_variable(std::string_view word) {
  return word.find('/') != std::string_view::npos ||
         std::ranges::any_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// The warning without whom it is about, and without numbers, lists and paths.
std::string kind_of(std::string_view warning) {
  const auto colon = warning.find(": ");
  const auto said = colon != std::string_view::npos ? warning.substr(colon) : warning;
  std::string kind;
  for (const auto word : split(said, ' ')) {
    kind += is_variable(word) ? "#" : word;
    kind += ' ';
  }
  return kind;
}

}  // namespace

std::vector<std::string> condensed(const std::vector<std::string>& warnings) {
  constexpr std::size_t kMost = 4;
  std::map<std::string, std::size_t> counts;
  for (const auto& warning : warnings) {
    ++counts[kind_of(warning)];
  }
  std::vector<std::string> kept;
  for (const auto& warning : warnings) {
    auto& count = counts.at(kind_of(warning));
    if (count > kMost) {
      kept.push_back(fmt::format("{} (and {} more of this kind)", warning, count - 1));
      count = 0;
    } else if (count > 0) {
      kept.push_back(warning);
    }
  }
  return kept;
}

}  // namespace irqtune
