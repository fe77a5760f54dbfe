// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <unistd.h>

#include "watch/watcher.h"

namespace irqtune {

/// What came of the plan that was asked for, for whoever asked.
void Watcher::answer() {
  WatchAnswer answer;
  answer.began = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                                std::chrono::steady_clock::now().time_since_epoch())
                                                .count());
  auto& report = answer.report;
  report.outcomes = plan(true, true);
  answer.error = plan_error_;
  report.id = report.outcomes.empty() ? std::string() : keeper_.id();
  const auto refused = std::ranges::any_of(report.outcomes, is_refused);
  if (!report.outcomes.empty()) {
    report.state = refused ? ApplyState::partial : ApplyState::committed;
  }
  for (const auto& vector : fights_.let_go()) {
    report.warnings.push_back(
        vector.to_string() +
        ": let go for a while, since another program moves it again and again");
  }
  answer_ = std::move(answer);
}

WatchStatus Watcher::status() const {
  std::set<std::string> vms;
  WatchStatus status;
  for (const auto& [vector, place] : places_) {
    status.vectors += place.there ? 1U : 0U;
    if (place.there && place.holder && !place.holder->vm.empty()) {
      vms.insert(place.holder->vm);
    }
  }
  status.pid = ::getpid();
  status.started = started_;
  status.root = options_.session.root;
  status.boot_id = options_.session.boot_id;
  status.stop = stop_command_;
  status.journal = keeper_.id();
  status.let_go = fights_.let_go();
  const auto missed = refused_.size() + status.let_go.size();
  status.in_place = status.vectors - std::min(status.vectors, missed);
  status.vms = vms.size();
  status.placed = placed_;
  status.last = last_done_;
  status.answer = answer_;
  return status;
}

/// To systemd, and to other irqtunes by a file.
void Watcher::tell_status() {
  const auto now_is = status();
  const auto let_go = now_is.let_go.size();
  const auto line = fmt::format("STATUS={} of {} of {} in place{}{}",
                                now_is.in_place,
                                counted(now_is.vectors, "vector"),
                                counted(now_is.vms, "VM"),
                                let_go > 0 ? fmt::format(", {} let go", let_go) : "",
                                last_done_.empty() ? "" : "; last: " + last_done_);
  const auto told =
      fmt::format("{} {} {}", line, placed_, answer_ ? answer_->began : std::uint64_t{0});
  if (told == last_status_) {
    return;
  }
  last_status_ = told;
  changed_ = true;
  notifier_.send(line);
  const auto why_not = write_watch_status(options_.session, now_is);
  if (why_not && warned_.insert("status").second) {
    options_.warn(*why_not + "; check and apply do not see this watch");
  }
}

/// How the host stands, for monitoring; one that cannot be told is no reason to end.
void Watcher::publish() {
  if (!options_.publish) {
    return;
  }
  try {
    options_.publish(status(), std::exchange(changed_, false));
  } catch (const Error& error) {
    changed_ = true;
    if (warned_.insert(error.what()).second) {
      options_.warn(error.what());
    }
  }
}

}  // namespace irqtune
