// SPDX-License-Identifier: Apache-2.0
#include "read/vms/polling.h"

#include "irqtune/core/text.h"

#include "read/vms/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace irqtune {

namespace {

constexpr double kTicksPerSecond = 100;  // USER_HZ, on every architecture that has KVM and vfio.
constexpr double kAlways = 0.9;          // Of the time: a thread that never sleeps gets that.

/// Fields of a stat file. Source: Linux fs/proc/array.c, do_task_stat().
struct Times {
  std::uint64_t ran = 0;
  std::uint64_t started = 0;
};

std::optional<Times> read_times(const Sysfs& sysfs, std::string_view proc, int pid, int tid) {
  constexpr std::size_t kFirst = 3;  // The word behind "(comm)" is field 3.
  constexpr std::size_t kUser = 14 - kFirst;
  constexpr std::size_t kSystem = 15 - kFirst;
  constexpr std::size_t kStarted = 22 - kFirst;
  const auto stat = sysfs.read(fmt::format("{}/{}/task/{}/stat", proc, pid, tid));
  const auto bracket = stat ? stat->rfind(')') : std::string::npos;
  if (bracket == std::string::npos) {
    return std::nullopt;
  }
  const auto fields = words(std::string_view(*stat).substr(bracket + 1));
  if (fields.size() <= kStarted) {
    return std::nullopt;
  }
  const auto number = [&](std::size_t field) {
    return parse_number<std::uint64_t>(fields[field]).value_or(0);
  };
  return Times{number(kUser) + number(kSystem), number(kStarted)};
}

double ticks(std::uint64_t from, std::uint64_t to) {
  return to > from ? static_cast<double>(to - from) : 0.0;
}

/// The share of the time that the thread ran; empty optional if nothing tells.
std::optional<double> share_of(const Sysfs& sysfs, const BoundThread& bound, const Host& host) {
  const auto seconds = host.sample_seconds.value_or(0);
  if (seconds <= 0) {
    return std::nullopt;
  }
  if (host.rate_source == RateSource::sampled) {
    auto later = read_times(sysfs, "/sample2/proc", bound.pid, bound.thread.tid);
    if (!later) {
      later = read_times(sysfs, "/proc", bound.pid, bound.thread.tid);
    }
    if (later && later->ran > bound.ran) {
      return ticks(bound.ran, later->ran) / (seconds * kTicksPerSecond);
    }
    return std::nullopt;
  }
  const auto lived = seconds * kTicksPerSecond - static_cast<double>(bound.started);
  return lived > 0 ? std::optional(static_cast<double>(bound.ran) / lived) : std::nullopt;
}

/// Those of the process's threads that may run on one CPU only.
void add_bound_threads(const Sysfs& sysfs, int pid, std::vector<BoundThread>& found) {
  for (const auto& thread : read_threads(sysfs, pid)) {
    const auto times = read_times(sysfs, "/proc", pid, thread.tid);
    if (times && thread.allowed && thread.allowed->size() == 1) {
      found.push_back({pid,
                       {thread.tid, printable(trimmed(thread.comm)), *thread.allowed->first()},
                       times->ran,
                       times->started});
    }
  }
}

/// Gives the process its polling threads; returns the CPUs of its other bound ones.
CpuSet take_polling(const Sysfs& sysfs,
                    const std::vector<BoundThread>& bound,
                    const Host& host,
                    VfioUser& user) {
  CpuSet others;
  for (const auto& one : bound) {
    if (one.pid != user.pid || !host.topology.online.contains(one.thread.cpu)) {
      continue;
    }
    if (share_of(sysfs, one, host).value_or(0) >= kAlways) {
      user.polling.push_back(one.thread);
    } else {
      others.insert(one.thread.cpu);
    }
  }
  return others;
}

}  // namespace

std::vector<BoundThread> read_bound_threads(const Sysfs& sysfs,
                                            const std::vector<VfioUser>& users) {
  std::vector<BoundThread> found;
  for (const auto& user : users) {
    add_bound_threads(sysfs, user.pid, found);
  }
  return found;
}

void find_polling(const Sysfs& sysfs, const std::vector<BoundThread>& bound, Host& host) {
  for (auto& user : host.vfio_users) {
    const auto others = take_polling(sysfs, bound, host, user);
    if (!others.empty()) {
      host.warnings.push_back(
          fmt::format("process {} ({}) has a passed-through device and threads bound to CPUs {} "
                      "that were not seen polling; keep vectors off them with --avoid {}",
                      user.pid,
                      user.comm,
                      others.to_list(),
                      others.to_list()));
    }
  }
}

}  // namespace irqtune
