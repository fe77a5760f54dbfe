// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"
#include "irqtune/core/change.h"
#include "irqtune/core/error.h"
#include "irqtune/core/host.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace irqtune {

/// What came of a plan that another irqtune asked a watch for.
struct WatchAnswer {
  std::uint64_t began = 0;  ///< When the host was begun to be read, CLOCK_MONOTONIC nanoseconds.
  std::string error;        ///< Why it could not be planned; empty if it was.
  ApplyReport report;
};

/// What a watch tells of itself, in the file watch.json of the state directory.
struct WatchStatus {
  int pid = 0;
  std::uint64_t started = 0;  ///< Of that process, in ticks since boot: PIDs are used again.
  std::string root;
  std::optional<std::string> boot_id;
  std::string stop;         ///< The command that stops it.
  std::string journal;      ///< Empty while nothing was written.
  std::size_t vectors = 0;  ///< That it keeps, and that are there.
  std::size_t in_place = 0;
  std::size_t vms = 0;
  std::size_t placed = 0;        ///< Since it started.
  std::vector<VectorId> let_go;  ///< Another program fights for them.
  std::string last;              ///< What it did last; empty if nothing.
  std::optional<WatchAnswer> answer;
};

/// When the process started, in ticks since boot; empty if there is none. Source: proc_pid_stat(5).
[[nodiscard]] std::optional<std::uint64_t> process_started(const Sysfs& sysfs, int pid);

/// Puts the file in place at once. Returns why it could not be.
[[nodiscard]] std::optional<std::string> write_watch_status(const Session& session,
                                                            const WatchStatus& status);

/// Removes the file; that there is none is fine.
void remove_watch_status(const Session& session);

/// What the watch of this root tells that runs now; empty if none does.
[[nodiscard]] std::optional<WatchStatus> running_watch(const Session& session);

/// Asks the watch to plan now, and waits for what comes of it, `timeout` at most. Throws
/// Error{applying} if it ended, could not plan or gave no answer, or a signal came.
[[nodiscard]] ApplyReport ask_watch(const Session& session,
                                    const WatchStatus& watch,
                                    std::chrono::milliseconds timeout);

/// Error{busy} that says which command stops the watch.
[[nodiscard]] Error watch_runs(const WatchStatus& watch, const std::string& what);

}  // namespace irqtune
