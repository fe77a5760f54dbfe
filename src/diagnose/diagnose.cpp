// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/diagnose.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>

namespace irqtune {

std::vector<Finding> diagnose(const DiagnosisInput& input) {
  constexpr std::array kFamilies = {
      find_sharing, find_placement, find_posting, find_conflicts, find_settings};
  std::vector<Finding> findings;
  for (const auto family : kFamilies) {
    std::ranges::move(family(input), std::back_inserter(findings));
  }
  std::ranges::stable_sort(findings, [](const Finding& a, const Finding& b) {
    return std::tie(b.severity, a.id) < std::tie(a.severity, b.id);
  });
  return findings;
}

}  // namespace irqtune
