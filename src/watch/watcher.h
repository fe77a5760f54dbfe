// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/keeper.h"
#include "irqtune/watch/decide.h"
#include "irqtune/watch/watch.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "watch/files.h"
#include "watch/notify.h"
#include "watch/signals.h"
#include "watch/surroundings.h"
#include "watch/tracepoints.h"
#include "watch/uevents.h"
#include "watch/vectors.h"

namespace irqtune {

/// A time at which something is due, and the pause before it, which grows.
struct Retry {
  WatchTime at{};
  WatchTime pause{};
  std::string said;  ///< What was logged of it: not again.
};

/// One run of a watch: its sources, what it keeps, and the loop.
class Watcher {
 public:
  Watcher(const Sysfs& sysfs, const WatchOptions& options);

  [[nodiscard]] std::optional<ApplyReport> run();

 private:
  // watcher.cpp: the loop
  void start();
  void turn();
  void wait();
  [[nodiscard]] WatchTime next_time() const;
  void take_signals();
  void take_trace();
  void take_times();
  [[nodiscard]] std::optional<ApplyReport> end();
  void open_sources();
  void add(int fd) const;

  // reactions.cpp: what is done
  void react(const std::vector<IrqNumber>& irqs);
  void react_to(IrqNumber irq, std::vector<Write>& writes);
  /// A vector without a handler yet is looked at again after growing pauses.
  void look_again(IrqNumber irq, WatchTime time);
  /// False of a vector that irqtune lets go of: another program fights for it.
  [[nodiscard]] bool takes_back(const SeenVector& seen, IrqNumber irq, WatchTime time);
  void place(const std::vector<Write>& writes, std::string_view why);
  void note(const Outcome& outcome, std::string_view why);
  void note_refusal(const Outcome& outcome);
  void check_places();
  [[nodiscard]] bool holds(const Place& place) const;

  // planning.cpp: the whole host
  void plan_soon();
  void plan_later();
  void plan(bool afresh, bool at_start);
  void take_plan(Replanned planned);
  void follow(const Host& host, const Policy& policy, const Plan& plan);
  void reload();
  void tell_status();

  [[nodiscard]] static WatchTime now();

  const Sysfs& sysfs_;
  WatchOptions options_;
  WatchSettings settings_;
  SignalSource signals_;
  Fd epoll_;
  UeventSource uevents_;
  FileSource files_;
  std::optional<TracepointSource> trace_;
  VectorPoll poll_;
  Surroundings surroundings_;
  Notifier notifier_;
  Keeper keeper_;

  Places places_;
  Fights fights_;
  std::map<VectorId, Retry> refused_;
  std::map<IrqNumber, Retry> without_handler_;  // Made, and not asked for yet.
  std::set<std::string> warned_;
  CpuSet online_;
  bool stopping_ = false;
  std::string last_done_;
  std::string last_status_;

  std::optional<WatchTime> watchdog_every_;
  std::optional<WatchTime> plan_at_;
  WatchTime plan_latest_{};
  WatchTime planned_at_{};
  WatchTime plan_pause_{};
  WatchTime poll_at_{};
  WatchTime look_at_{};
  WatchTime check_at_{};
};

}  // namespace irqtune
