// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/measurement.h"
#include "irqtune/sys/clock.h"
#include "irqtune/sys/sysfs.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace irqtune {

/// Ticks of each CPU from the text of /proc/stat; the line of all CPUs is left out.
/// Source: proc_stat(5); guest time is part of user time.
[[nodiscard]] std::map<int, CpuTicks> parse_cpu_ticks(std::string_view text);

/// The second number of /proc/PID/task/TID/schedstat: nanoseconds that the thread waited for a CPU.
/// Source: Linux Documentation/scheduler/sched-stats.rst; counted whatever sched_schedstats says.
[[nodiscard]] std::optional<std::uint64_t> parse_run_delay(std::string_view text);

/// Rounds of receive processing that ended with work left, by CPU: the third hexadecimal number of
/// each line of /proc/net/softnet_stat. Lines name their CPU in the 13th since Linux 5.10; of older
/// kernels they are not told, since lines of offline CPUs are left out.
/// Source: Linux net/core/net-procfs.c, softnet_seq_show().
[[nodiscard]] std::map<int, std::uint64_t> parse_softnet(std::string_view text);

/// /proc/interrupts and /proc/stat below `prefix` ("" or "/sample2"), and nothing of VMs. `at` is
/// /proc/uptime.
[[nodiscard]] LoadReading read_counts(const Sysfs& sysfs, std::string_view prefix);

/// Everything that moves, below `prefix` ("" or "/sample2"), with the exits that KVM's debugfs
/// counts (root only) and the run delay of the running VMs' vCPU threads. `at` is /proc/uptime.
[[nodiscard]] LoadReading read_load(const Sysfs& sysfs, std::string_view prefix, const Host& host);

/// How long to read, and how often.
struct LoadOptions {
  double seconds = 10;
  std::size_t slices = 10;
  std::function<void(double)> on_wait;  ///< As in ReadOptions.
  Clock clock;
};

/// Readings `seconds` / `slices` apart, one more than `slices`; of a tree its own two readings.
/// Throws Error{usage} if the tree has no second reading, or no time passed between the two.
[[nodiscard]] std::vector<LoadReading> read_loads(const Sysfs& sysfs,
                                                  const Host& host,
                                                  const LoadOptions& options);

}  // namespace irqtune
