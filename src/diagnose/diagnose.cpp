// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/diagnose.h"

#include "irqtune/diagnose/ids.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace irqtune {

namespace {

/// Of a CPU that is crowded, irq-one-cpu says the same, and knows less.
void drop_repetition(std::vector<Finding>& findings) {
  CpuSet crowded;
  for (const auto& finding : findings) {
    crowded |= finding.id == "cpu-crowded" ? finding.cpus : CpuSet{};
  }
  std::erase_if(findings, [&](const Finding& finding) {
    return finding.id == "irq-one-cpu" && crowded.contains_all(finding.cpus);
  });
}

}  // namespace

std::vector<Finding> diagnose(const DiagnosisInput& input) {
  constexpr std::array kFamilies = {
      find_sharing, find_placement, find_posting, find_conflicts, find_settings};
  std::vector<Finding> findings;
  for (const auto family : kFamilies) {
    std::ranges::move(family(input), std::back_inserter(findings));
  }
  drop_repetition(findings);
  std::ranges::stable_sort(findings, {}, [](const Finding& finding) {
    const auto* const rank = std::ranges::find(kFindingIds, finding.id);
    return std::pair(-static_cast<int>(finding.severity), rank - kFindingIds.begin());
  });
  return findings;
}

}  // namespace irqtune
