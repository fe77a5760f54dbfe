// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/keeper.h"
#include "irqtune/apply/watch_status.h"
#include "irqtune/core/measurement.h"
#include "irqtune/watch/decide.h"
#include "irqtune/watch/watch.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "watch/events/files.h"
#include "watch/events/notify.h"
#include "watch/events/signals.h"
#include "watch/events/surroundings.h"
#include "watch/events/tracepoints.h"
#include "watch/events/uevents.h"
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
  std::vector<Outcome> place(const std::vector<Write>& writes, std::string_view why);
  void note(const Outcome& outcome, std::string_view why);
  void note_refusal(const Outcome& outcome);
  void check_places();
  static void give_memory_back();
  void poll();
  [[nodiscard]] bool watch_tree();
  [[nodiscard]] bool holds(const Place& place) const;

  // planning.cpp: the whole host
  void plan_soon();
  void plan_later();
  /// `rates`: they are measured first. What was written; an Error that ends nothing is in
  /// plan_error_.
  std::vector<Outcome> plan(bool afresh, bool rates);
  std::vector<Outcome> plan_now(bool afresh, bool rates);
  std::vector<Outcome> take_plan(Replanned planned);
  void follow(const Host& host, const Policy& policy, const Plan& plan);
  void reload();

  // surroundings of the plan: load.cpp, bans.cpp
  void look_at_load();
  void ban();
  void ban_in(const std::string& socket, const IrqSet& wanted, IrqSet& ours);
  [[nodiscard]] IrqSet to_be_banned() const;

  // telling.cpp: what others see of it
  void answer();
  [[nodiscard]] WatchStatus status() const;
  void tell_status();
  void publish();

  [[nodiscard]] static WatchTime now();

  const Sysfs& sysfs_;
  WatchOptions options_;
  WatchSettings settings_;
  SignalSource signals_;
  Fd epoll_;
  UeventSource uevents_;
  FileSource files_;
  FileSource tree_files_;  ///< Of a tree, which is no kernel: whatever a kernel would tell.
  std::optional<TracepointSource> trace_;
  VectorPoll poll_;
  bool tree_is_watched_ = false;
  Surroundings surroundings_;
  Notifier notifier_;
  Keeper keeper_;

  Places places_;
  Fights fights_;
  std::map<VectorId, Retry> refused_;
  std::map<IrqNumber, std::uint64_t> event_ns_;  // Of what is being reacted to, if events told.
  std::map<IrqNumber, Retry> without_handler_;   // Made, and not asked for yet.
  std::set<std::string> warned_;
  CpuSet online_;
  CpuSet housekeeping_;
  double busy_threshold_ = 0;
  bool starting_ = true;
  bool stopping_ = false;
  std::uint64_t started_ = 0;  // Of this process, in ticks since boot.
  std::string stop_command_;
  std::string last_done_;
  std::string last_status_;
  std::string plan_error_;
  std::size_t placed_ = 0;
  std::optional<WatchAnswer> answer_;
  bool changed_ = true;  // Since it was published.

  LoadAlarm load_;
  std::map<int, CpuTicks> ticks_;
  std::vector<std::string> sockets_;  // irqbalance's, as they were told last.
  bool bans_due_ = false;

  std::optional<WatchTime> watchdog_every_;
  std::optional<WatchTime> plan_at_;
  WatchTime plan_latest_{};
  WatchTime planned_at_{};
  WatchTime plan_pause_{};
  WatchTime poll_at_{};
  WatchTime look_at_{};
  WatchTime check_at_{};
  WatchTime load_at_{};
  WatchTime publish_at_{};
};

}  // namespace irqtune
