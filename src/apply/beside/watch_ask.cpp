// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/signals.h"
#include "irqtune/apply/watch_status.h"
#include "irqtune/sys/clock.h"

#include "sys/fd.h"
#include "sys/rooted.h"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include <sys/syscall.h>
#include <unistd.h>

namespace irqtune {

namespace {

std::uint64_t now_ns() {
  constexpr std::uint64_t kNano = 1'000'000'000;
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kNano + static_cast<std::uint64_t>(time.tv_nsec);
}

/// SIGUSR1 to that very process: its PID may be another's by now.
std::error_code signal_watch(const WatchStatus& watch) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, watch.pid, 0)));
  if (!process.valid()) {  // Before Linux 5.3.
    return errno == ENOSYS && ::kill(watch.pid, SIGUSR1) == 0 ? std::error_code{} : last_error();
  }
  if (process_started(Sysfs("/"), watch.pid) != watch.started) {
    return {ESRCH, std::system_category()};
  }
  const auto sent = ::syscall(SYS_pidfd_send_signal, process.get(), SIGUSR1, nullptr, 0);
  return sent == 0 ? std::error_code{} : last_error();
}

}  // namespace

ApplyReport ask_watch(const Session& session,
                      const WatchStatus& watch,
                      std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kPause{10};
  const auto asked = now_ns();
  const auto who = fmt::format("irqtune watch (PID {})", watch.pid);
  if (const auto error = signal_watch(watch)) {
    throw Error::system(ErrorKind::applying, who, "cannot be asked to plan", error);
  }
  const Clock clock;
  for (auto left = timeout; left > std::chrono::milliseconds::zero(); left -= kPause) {
    clock.sleep(kPause);
    const auto status = running_watch(session);
    if (SignalGuard::interrupted()) {
      throw Error(ErrorKind::applying, who + ": interrupted before it answered");
    }
    if (!status || status->pid != watch.pid) {
      throw Error(ErrorKind::applying, who + ": ended before it answered", "run apply again");
    }
    if (!status->answer || status->answer->began < asked) {
      continue;
    }
    if (!status->answer->error.empty()) {
      throw Error(ErrorKind::applying, who + ": could not plan: " + status->answer->error);
    }
    return status->answer->report;
  }
  throw Error(ErrorKind::applying,
              fmt::format("{}: no answer in {} s", who, timeout.count() / 1000),
              "look at what it logs, or restart it");
}

}  // namespace irqtune
