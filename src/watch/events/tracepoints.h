// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/cpu_set.h"
#include "irqtune/sys/sysfs.h"

#include "sys/fd.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "watch/events/samples.h"

namespace irqtune {

/// One CPU's ring, mapped. Source: perf_event_open(2), "MMAP layout".
class PerfRing {
 public:
  /// Of an event's descriptor; not valid if it cannot be mapped.
  explicit PerfRing(int fd);
  PerfRing(PerfRing&& other) noexcept;
  PerfRing(const PerfRing&) = delete;
  PerfRing& operator=(const PerfRing&) = delete;
  PerfRing& operator=(PerfRing&&) = delete;
  ~PerfRing();

  [[nodiscard]] bool valid() const noexcept { return base_ != nullptr; }

  /// The records that came since, whole, and gives their room back.
  [[nodiscard]] std::string take() const;

 private:
  void* base_ = nullptr;
};

/// Why perf_event_open(2) was refused: the error's text, and what of
/// /proc/sys/kernel/perf_event_paranoid, `paranoid`, makes it so. Source: Linux
/// kernel/events/core.c, perf_allow_cpu(); Debian's
/// security-perf-allow-further-restriction-of-perf_event_open.patch, which above 2 asks for
/// CAP_SYS_ADMIN where Linux asks for CAP_PERFMON.
[[nodiscard]] std::string refusal_text(int error, std::string_view paranoid);

/// The kernel's word on each vector that is made or moved, on every CPU: one ring a CPU, and no
/// event while interrupts merely run. x86 only.
class TracepointSource {
 public:
  /// Opens them on each of `cpus`. Where that is not to be had, `why_not` says why, and nothing is
  /// open.
  TracepointSource(const Sysfs& sysfs, const CpuSet& cpus);

  [[nodiscard]] const std::string& why_not() const noexcept { return why_not_; }

  /// What to wait for: readable when an event came. Empty if nothing is open.
  [[nodiscard]] std::vector<int> fds() const;

  /// Everything that came, of every CPU.
  [[nodiscard]] Samples drain() const;

 private:
  struct OneCpu {
    std::vector<Fd> events;  // The first one's ring is everyone's.
    PerfRing ring;
  };

  /// Ids of the tracepoints in one mount of tracefs; sets irq_offset_.
  std::vector<std::uint64_t> find_in(const Sysfs& sysfs, const char* dir);
  bool open_on(int cpu, const std::vector<std::uint64_t>& ids);

  std::vector<OneCpu> cpus_;
  std::size_t irq_offset_ = 0;
  std::string why_not_;
};

}  // namespace irqtune
