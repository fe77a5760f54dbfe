// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/diagnose.h"

#include "irqtune/diagnose/ids.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace irqtune {

std::vector<Finding> diagnose(const DiagnosisInput& input) {
  constexpr std::array kFamilies = {
      find_sharing, find_placement, find_posting, find_conflicts, find_settings};
  std::vector<Finding> findings;
  for (const auto family : kFamilies) {
    std::ranges::move(family(input), std::back_inserter(findings));
  }
  std::ranges::stable_sort(findings, {}, [](const Finding& finding) {
    const auto* const rank = std::ranges::find(kFindingIds, finding.id);
    return std::pair(-static_cast<int>(finding.severity), rank - kFindingIds.begin());
  });
  return findings;
}

}  // namespace irqtune
