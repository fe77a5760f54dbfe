// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/read/interrupts/interrupts.h"
#include "irqtune/read/read.h"
#include "irqtune/sys/sysfs.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace irqtune {

/// The first number of /proc/uptime: seconds since boot. Source: Linux fs/proc/uptime.c
[[nodiscard]] std::optional<double> parse_uptime(std::string_view text);

/// Waits, and tells `on_wait`, which may be empty, from time to time how many seconds are left.
void wait_seconds(double seconds,
                  const std::function<void(double)>& on_wait,
                  const Clock& clock = {});

/// Seconds since boot; empty optional if unknown.
[[nodiscard]] std::optional<double> read_uptime(const Sysfs& sysfs, std::string_view prefix);

/// Reads /proc/interrupts below `prefix` ("" or "/sample2"), again while CPUs come or go under way.
[[nodiscard]] InterruptTable read_interrupt_table(const Sysfs& sysfs, std::string_view prefix);

/// irq + softirq and total time of each CPU, in clock ticks, from the text of /proc/stat.
struct CpuTimes {
  std::uint64_t irq = 0;
  std::uint64_t total = 0;
};

[[nodiscard]] std::map<int, CpuTimes> parse_stat(std::string_view text);

/// Rates of `host.irqs` and busy shares of its CPUs, as `options` asks: from two live readings,
/// from sample2/ of a tree, or from the counts since boot.
void read_rates(const Sysfs& sysfs, const ReadOptions& options, Host& host);

}  // namespace irqtune
