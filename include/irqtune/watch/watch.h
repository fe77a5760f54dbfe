// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"
#include "irqtune/apply/watch_status.h"
#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"
#include "irqtune/sys/sysfs.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace irqtune {

/// The host and what the user wants of it, read now.
struct Wanted {
  Host host;
  Policy policy;
};

/// Options that a new reading of the configuration may change.
struct WatchSettings {
  std::chrono::milliseconds settle{20};  ///< Without a new vector before the host is planned.
  std::chrono::milliseconds check_every{30'000};
  bool keep_default = false;       ///< The default affinity stays at the end.
  bool restore = false;            ///< The end puts back what the journal holds.
  bool ban = false;                ///< irqbalance is to leave the vectors alone.
  bool rebalance_on_load = false;  ///< A CPU that stays busy with interrupts: planned anew.
};

/// What a watch is given.
struct WatchOptions {
  WatchSettings settings;
  Session session;

  /// Reads the host; with rates that may take a second. Throws Error{usage} for options that mean
  /// nothing.
  std::function<Wanted(bool rates)> read;

  /// Reads the configuration anew; from then on `read` goes by it. Returns why it cannot be, and
  /// then the old one stays; sets what it says.
  std::function<std::optional<std::string>(WatchSettings&)> reload;

  /// Publishes how the host stands; `changed`: since the last time something was done. May be
  /// empty.
  std::function<void(const WatchStatus&, bool changed)> publish;

  /// One event, one line for people.
  std::function<void(const std::string&)> log;

  /// What is worth a warning; each text once.
  std::function<void(const std::string&)> warn;
};

/// Keeps the host as a plan has it until SIGTERM or SIGINT comes; CONTRACT of `watch`. The caller
/// holds the Lock. Returns what putting back came to if that was asked for. Throws Error if it
/// cannot start.
[[nodiscard]] std::optional<ApplyReport> watch(const Sysfs& sysfs, const WatchOptions& options);

}  // namespace irqtune
