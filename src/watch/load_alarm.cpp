// SPDX-License-Identifier: Apache-2.0
#include "irqtune/watch/decide.h"

namespace irqtune {

std::optional<int> LoadAlarm::note(const std::map<int, double>& shares,
                                   double threshold,
                                   WatchTime now) {
  std::optional<int> alarm;
  std::map<int, WatchTime> above;
  for (const auto& [cpu, share] : shares) {
    if (share <= threshold) {
      continue;
    }
    const auto before = above_since_.find(cpu);
    const auto since = before != above_since_.end() ? before->second : now;
    above.emplace(cpu, since);
    if (!alarm && now - since >= kSustained) {
      alarm = cpu;
    }
  }
  above_since_ = std::move(above);
  if (!alarm || (last_ && now - *last_ < kAtMostEvery)) {
    return std::nullopt;
  }
  last_ = now;
  above_since_.clear();
  return alarm;
}

}  // namespace irqtune
