// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/text.h"

#include "report/json/json.h"

#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// Puts `warnings` and `advice` into a document. What to do about a warning stands on lines of
/// their own behind its first: `warnings` has the first lines, `advice` those that have more.
inline void add_warnings(const std::vector<std::string>& warnings, Json& document) {
  auto texts = Json::array();
  auto advice = Json::array();
  for (const auto& warning : warnings) {
    const auto lines = split(warning, '\n');
    texts.push_back(lines.front());
    if (lines.size() > 1) {
      advice.push_back({{"warning", lines.front()},
                        {"hint", std::vector<std::string_view>(lines.begin() + 1, lines.end())}});
    }
  }
  document["warnings"] = std::move(texts);
  document["advice"] = std::move(advice);
}

}  // namespace irqtune
