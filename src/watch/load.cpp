// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/load/load.h"

#include <fmt/format.h>

#include "watch/watcher.h"

namespace irqtune {

namespace {

constexpr double kPercent = 100;

/// Of the time since `before`, in irq and softirq context, in percent; of the CPUs in `cpus`.
std::map<int, double> interrupt_shares(const std::map<int, CpuTicks>& before,
                                       const std::map<int, CpuTicks>& after,
                                       const CpuSet& cpus) {
  std::map<int, double> shares;
  for (const auto& [cpu, now] : after) {
    const auto then = before.find(cpu);
    if (!cpus.contains(cpu) || then == before.end() || now.total <= then->second.total) {
      continue;
    }
    const auto spent = now.irq + now.softirq;
    const auto spent_before = then->second.irq + then->second.softirq;
    shares[cpu] = spent <= spent_before ? 0
                                        : kPercent * static_cast<double>(spent - spent_before) /
                                              static_cast<double>(now.total - then->second.total);
  }
  return shares;
}

}  // namespace

/// A CPU that is above --busy-threshold for a minute: its vectors may find a better place.
void Watcher::look_at_load() {
  const auto text = sysfs_.read("/proc/stat");
  auto ticks = parse_cpu_ticks(text.value_or(""));
  const auto shares = interrupt_shares(ticks_, ticks, housekeeping_);
  ticks_ = std::move(ticks);
  if (const auto cpu = load_.note(shares, busy_threshold_, now())) {
    options_.log(fmt::format("cpu{} was above {:g} % irq + softirq time for {} s: planned anew",
                             *cpu,
                             busy_threshold_,
                             LoadAlarm::kSustained.count() / 1000));
    plan(true, true);
  }
}

}  // namespace irqtune
