// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include <malloc.h>
#include <sched.h>

#include "watch/watcher.h"

namespace irqtune {

namespace {

constexpr WatchTime kFirstPause{1000};
constexpr WatchTime kLongestPause{60'000};
constexpr int kPatience = 10;  ///< Times --settle, while more and more vectors come.

/// On CPUs that take interrupts: a watch must not run where the guests do.
void run_on(const CpuSet& cpus) {
  std::array<cpu_set_t, CpuSet::kMaxCpus / CPU_SETSIZE> set{};
  for (const int cpu : cpus.cpus()) {
    CPU_SET_S(static_cast<std::size_t>(cpu), sizeof(set), set.data());
  }
  if (!cpus.empty()) {
    static_cast<void>(::sched_setaffinity(0, sizeof(set), set.data()));
  }
}

std::vector<PciAddress> passed_through(const Host& host) {
  std::vector<PciAddress> devices;
  for (const auto& device : host.devices) {
    if (device.passthrough) {
      devices.push_back(device.address);
    }
  }
  return devices;
}

}  // namespace

/// What a plan or reactions took is given back to the system: a host of a thousand vectors takes
/// some MiB for a moment, and then nothing happens for days. Source: malloc_trim(3), of glibc.
void Watcher::give_memory_back() {
#ifdef __GLIBC__
  static_cast<void>(::malloc_trim(0));
#endif
}

/// Once no new vector came for --settle, and not much later however many come.
void Watcher::plan_soon() {
  const auto time = now();
  if (!plan_at_) {
    plan_latest_ = time + settings_.settle * kPatience;
  }
  plan_at_ = std::min(time + settings_.settle, std::max(plan_latest_, time));
}

/// For what changes less often than it is told: files of VMs, uevents.
void Watcher::plan_later() {
  constexpr WatchTime kAtMostEvery{1000};
  plan_soon();
  plan_at_ = std::max(*plan_at_, planned_at_ + kAtMostEvery);
}

std::vector<Outcome> Watcher::plan(bool afresh, bool rates) {
  plan_at_.reset();
  planned_at_ = now();
  plan_error_.clear();
  try {
    auto outcomes = plan_now(afresh, rates);
    give_memory_back();
    return outcomes;
  } catch (const Error& error) {
    if (starting_) {
      throw;
    }
    plan_error_ = error.what();
    plan_pause_ =
        plan_pause_ > WatchTime{} ? std::min(plan_pause_ * 2, kLongestPause) : kFirstPause;
    plan_at_ = now() + plan_pause_;
    plan_latest_ = *plan_at_;
    if (warned_.insert(error.what()).second) {
      options_.warn(error.what());
    }
  }
  return {};
}

std::vector<Outcome> Watcher::plan_now(bool afresh, bool rates) {
  const auto wanted = options_.read(rates);
  if (wanted.host.topology.online != online_) {
    online_ = wanted.host.topology.online;
    open_sources();  // Before vectors are placed: what comes from now on is seen.
  }
  auto planned = replan(wanted.host, wanted.policy, places_, afresh);
  follow(wanted.host, wanted.policy, planned.plan);
  auto outcomes = take_plan(std::move(planned));
  keeper_.settled();
  plan_pause_ = {};
  ban();
  return outcomes;
}

/// What is let go keeps its place for later; the others are where the plan has them.
std::vector<Outcome> Watcher::take_plan(Replanned planned) {
  const auto time = now();
  std::erase_if(planned.writes, [&](const Write& write) {
    return write.identity && write.identity->vector &&
           fights_.is_let_go(*write.identity->vector, time);
  });
  for (auto& [vector, place] : planned.places) {
    if (place.there && place.holder && place.holder->pid) {
      place.holder->started = process_started(sysfs_, *place.holder->pid);
    }
  }
  places_ = std::move(planned.places);
  fights_.keep_only(places_);
  std::erase_if(refused_, [&](const auto& entry) { return !places_.contains(entry.first); });
  return place(planned.writes, "planned");
}

/// The sources follow what the host has now.
void Watcher::follow(const Host& host, const Policy& policy, const Plan& plan) {
  housekeeping_ = plan.housekeeping;
  busy_threshold_ = policy.busy_threshold;
  if (sysfs_.live()) {
    run_on(plan.housekeeping);
  }
  poll_.watch(passed_through(host));
  tree_is_watched_ = false;
  files_.watch(vm_directories());
  surroundings_.note(host);
  for (const auto& warning : plan.warnings) {
    if (warned_.insert(warning).second) {
      options_.warn(warning);
    }
  }
}

void Watcher::reload() {
  notifier_.send("RELOADING=1");
  auto settings = settings_;
  if (const auto why = options_.reload(settings)) {
    options_.warn(*why + "; the configuration of before stays");
  } else {
    settings_ = settings;
    options_.log("configuration read anew");
  }
  notifier_.send("READY=1");
}

}  // namespace irqtune
