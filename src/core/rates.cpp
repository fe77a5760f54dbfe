// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/rates.h"

#include <algorithm>
#include <cstdint>

namespace irqtune {

namespace {

std::uint64_t count_of(const std::vector<CpuCount>& counts, int cpu) noexcept {
  const auto found = std::ranges::lower_bound(counts, cpu, {}, &CpuCount::cpu);
  return found != counts.end() && found->cpu == cpu ? found->count : 0;
}

}  // namespace

std::vector<CpuRate> rates_between(const std::vector<CpuCount>& before,
                                   const std::vector<CpuCount>& after,
                                   double seconds) {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 32;
  constexpr double kFastest = 1e7;  // No CPU takes more interrupts per second.
  // A counter that fell without having been near its end: the interrupt was freed and made anew.
  const bool anew = std::ranges::any_of(after, [&](const CpuCount& count) {
    const auto was = count_of(before, count.cpu);
    const auto delta = static_cast<double>((count.count - was) % kWrap);
    return count.count < was && (was < kWrap / 2 || delta > kFastest * seconds);
  });
  std::vector<CpuRate> rates;
  rates.reserve(after.size());
  for (const auto& count : after) {
    const auto was = anew ? 0 : count_of(before, count.cpu);
    const auto delta = count.count >= was ? count.count - was : (count.count - was) % kWrap;
    if (delta > 0) {
      rates.push_back({count.cpu, static_cast<double>(delta) / seconds});
    }
  }
  return rates;
}

}  // namespace irqtune
