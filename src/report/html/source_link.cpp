// SPDX-License-Identifier: Apache-2.0
#include "report/html/parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune::html {

namespace {

/// Source: RFC 4648, section 4
std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8U | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    }
    const auto digits = std::min<std::size_t>(bytes.size(), 3) + 1;
    for (std::size_t i = 0; i < 4; ++i) {
      out += i < digits ? kDigits[group >> (18U - 6U * i) & 63U] : '=';
    }
  }
  return out;
}

/// Without its layout: no string of a JSON text holds a newline, so one and the blanks after it
/// are.
std::string on_one_line(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    const auto line = json.substr(0, json.find('\n'));
    out += line.substr(std::min(line.find_first_not_of(' '), line.size()));
    json.remove_prefix(std::min(line.size() + 1, json.size()));
  }
  return out;
}

}  // namespace

std::string source_link(std::string_view command, std::string json) {
  constexpr std::size_t kLargest = 1'000'000;
  json = on_one_line(json);
  if (json.size() > kLargest) {
    return fmt::format("<code>irqtune {} --json</code> (too large to be held here)", command);
  }
  return fmt::format(R"(<a download="{0}.json" href="data:application/json;base64,{1}">{0}</a>)",
                     command,
                     base64(json));
}

}  // namespace irqtune::html
