// SPDX-License-Identifier: Apache-2.0
#include "watch/watcher.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/sys/generation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <tuple>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

namespace irqtune {

namespace {

constexpr WatchTime kPollEvery{250};   ///< Without tracepoints: inodes of the vectors' files.
constexpr WatchTime kLookEvery{2000};  ///< VMs, devices, CPUs.
constexpr WatchTime kLoadEvery{5000};
constexpr WatchTime kPublishEvery{30'000};

/// A ring and its events a CPU: the usual limit of 1024 is soon reached.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    std::ignore = ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

std::string environment_of(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): there is one thread
  return value == nullptr ? std::string() : std::string(value);
}

/// The unit of systemd that this is the service of, or its PID.
std::string stop_command() {
  const auto unit =
      environment_of("NOTIFY_SOCKET").empty() ? std::nullopt : Sysfs("/").read("/proc/self/cgroup");
  const auto name = unit ? unit->substr(unit->rfind('/') + 1) : std::string();
  return name.ends_with(".service") ? fmt::format("systemctl stop {}", name)
                                    : fmt::format("kill {}", ::getpid());
}

/// Of the masks that are kept, what follows them within this time is in place.
ApplyOptions keeping() {
  constexpr std::chrono::milliseconds kVerify{20};
  ApplyOptions options;
  options.keep_going = true;
  options.verify_timeout = kVerify;
  return options;
}

}  // namespace

Watcher::Watcher(const Sysfs& sysfs, const WatchOptions& options)
    : sysfs_(sysfs),
      options_(options),
      settings_(options.settings),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      files_(sysfs),
      tree_files_(sysfs),
      poll_(sysfs),
      surroundings_(sysfs),
      notifier_(environment_of("NOTIFY_SOCKET")),
      keeper_(sysfs, options.session, keeping()),
      watchdog_every_(watchdog_interval(
          environment_of("WATCHDOG_USEC"), environment_of("WATCHDOG_PID"), ::getpid())) {
  raise_descriptor_limit();
  started_ = process_started(Sysfs("/"), ::getpid()).value_or(0);
  stop_command_ = stop_command();
}

WatchTime Watcher::now() {
  return std::chrono::duration_cast<WatchTime>(std::chrono::steady_clock::now().time_since_epoch());
}

void Watcher::add(int fd) const {
  if (fd < 0) {
    return;
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw Error::system(ErrorKind::host, "epoll", "cannot add", {errno, std::system_category()});
  }
}

/// Tracepoints are of the CPUs that are on line: opened anew when those change.
void Watcher::open_sources() {
  trace_.reset();
  trace_.emplace(sysfs_, online_);
  for (const int fd : trace_->fds()) {
    add(fd);
  }
  if (!trace_->why_not().empty() && warned_.insert("tracepoints").second) {
    options_.log(fmt::format(
        "no tracepoints ({}): vectors are looked at every {} ms instead, and "
        "masks that others move every {} s",
        trace_->why_not(),
        kPollEvery.count(),
        std::chrono::duration_cast<std::chrono::seconds>(settings_.check_every).count()));
  }
}

void Watcher::start() {
  add(signals_.fd());
  add(sysfs_.live() ? uevents_.fd() : -1);
  add(files_.fd());
  tell_status();
  const auto standing = keeper_.taken_over();
  for (const auto& write : standing) {
    if (write.identity && write.identity->vector) {
      places_[*write.identity->vector] = {
          write.after, {}, VmPolicy::avoid, write.identity->irq, write.identity->generation};
    }
  }
  if (!standing.empty()) {
    options_.log(fmt::format("takes over {}, which was interrupted", keeper_.id()));
  }
  plan(standing.empty(), true);
  const auto time = now();
  poll_at_ = time + kPollEvery;
  look_at_ = time + kLookEvery;
  check_at_ = time + settings_.check_every;
  load_at_ = time;
  starting_ = false;
  tell_status();
  publish();
  publish_at_ = time + kPublishEvery;
  notifier_.send("READY=1");
}

std::optional<ApplyReport> Watcher::run() {
  start();
  while (!stopping_) {
    turn();
  }
  return end();
}

/// Nothing that a turn meets ends the watch: it is told, and tried again.
void Watcher::turn() {
  wait();
  try {
    take_signals();
    if (!stopping_) {
      take_trace();
      take_times();
      tell_status();
    }
  } catch (const std::exception& error) {
    if (warned_.insert(error.what()).second) {
      options_.warn(error.what());
    }
    plan_at_ = plan_at_ ? plan_at_ : now() + kLookEvery;
  }
}

WatchTime Watcher::next_time() const {
  auto next = std::min(look_at_, check_at_);
  next = options_.publish ? std::min(next, publish_at_) : next;
  next = settings_.rebalance_on_load ? std::min(next, load_at_) : next;
  if (trace_ && trace_->fds().empty()) {
    next = std::min(next, poll_at_);
  }
  if (watchdog_every_) {
    next = std::min(next, now() + *watchdog_every_);
  }
  next = std::min(next, plan_at_.value_or(next));
  next = std::min(next, fights_.next().value_or(next));
  for (const auto& [irq, retry] : without_handler_) {
    next = std::min(next, retry.at);
  }
  for (const auto& [vector, retry] : refused_) {
    next = std::min(next, retry.at);
  }
  return next;
}

void Watcher::wait() {
  const auto pause = std::max(next_time() - now(), WatchTime{});
  std::array<epoll_event, 8> events{};
  const int count = ::epoll_wait(epoll_.get(),
                                 events.data(),
                                 static_cast<int>(events.size()),
                                 static_cast<int>(pause.count()));
  for (int i = 0; i < count; ++i) {
    const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
    const bool changed =
        (fd == uevents_.fd() && uevents_.drain()) || (fd == files_.fd() && files_.drain());
    if (changed) {
      plan_later();
    }
  }
  if (watchdog_every_) {
    notifier_.send("WATCHDOG=1");
  }
}

void Watcher::take_signals() {
  while (const auto signal = signals_.next()) {
    if (*signal == SIGTERM || *signal == SIGINT) {
      stopping_ = true;
      return;
    }
    if (*signal == SIGHUP) {
      reload();
      plan(true, true);
    } else {
      answer();
    }
  }
}

void Watcher::take_trace() {
  if (!trace_ || trace_->fds().empty()) {
    return;
  }
  const auto samples = trace_->drain();
  std::set<IrqNumber> irqs;
  for (const auto& event : samples.events) {
    if (event.pid != ::getpid()) {
      // Of several the last: with it the vector has got its CPU.
      auto& time_ns = event_ns_[IrqNumber{event.irq}];
      time_ns = std::max(time_ns, event.time_ns);
      irqs.insert(IrqNumber{event.irq});
    }
  }
  react({irqs.begin(), irqs.end()});
  if (samples.lost) {
    check_places();
    plan_soon();
  }
}

/// A tree may not say which vectors were made anew: there each place is looked at, once a file
/// tells that it was written.
void Watcher::poll() {
  if (sysfs_.live()) {
    react(poll_.made());
  } else if (tree_files_.drain() || !tree_is_watched_) {
    const bool watched = watch_tree();  // First, so that nothing is missed in between.
    const auto made = poll_.made();
    react(made);
    check_places();
    tree_is_watched_ = watched && made.empty();
  }
}

/// False if some of it cannot be watched.
bool Watcher::watch_tree() {
  const auto record = Sysfs::kInodes.substr(0, Sysfs::kInodes.rfind('/'));
  std::vector<std::string> directories{std::string(record), "/proc/irq", "/sys/kernel/irq"};
  for (const auto& device : poll_.devices()) {
    directories.push_back(generation_dir(device));
  }
  for (const auto& [vector, place] : places_) {
    const auto number = static_cast<std::uint32_t>(place.irq);
    directories.push_back(fmt::format("/proc/irq/{}", number));
    directories.push_back(fmt::format("/sys/kernel/irq/{}", number));
  }
  return tree_files_.watch(directories);
}

void Watcher::take_times() {
  const auto time = now();
  if (trace_ && trace_->fds().empty() && time >= poll_at_) {
    poll_at_ = time + kPollEvery;
    poll();
  }
  std::vector<IrqNumber> due;
  for (const auto& [irq, retry] : without_handler_) {
    if (time >= retry.at) {
      due.push_back(irq);
    }
  }
  for (auto& [vector, retry] : refused_) {
    const auto place = places_.find(vector);
    if (time >= retry.at && place != places_.end()) {
      due.push_back(place->second.irq);
    }
  }
  for (const auto& vector : fights_.due(time)) {
    const auto place = places_.find(vector);
    if (place != places_.end()) {
      due.push_back(place->second.irq);
    }
  }
  react(due);
  if (time >= check_at_) {
    check_at_ = time + settings_.check_every;
    check_places();
    give_memory_back();
    if (surroundings_.has_free_handlers()) {
      plan_soon();  // One that idled when it was freed does harm once its interrupt comes.
    }
    bans_due_ = settings_.ban;  // Another client may have replaced the list.
  }
  if (time >= look_at_) {
    look_at_ = time + kLookEvery;
    files_.watch(vm_directories());
    bans_due_ = bans_due_ || (settings_.ban && balance_sockets(sysfs_) != sockets_);
    if (surroundings_.changed()) {
      plan_later();
    }
  }
  if (settings_.rebalance_on_load && time >= load_at_) {
    load_at_ = time + kLoadEvery;
    look_at_load();
  }
  if (plan_at_ && time >= *plan_at_) {
    plan(false, false);
  }
  if (bans_due_) {
    ban();
  }
  if (options_.publish && time >= publish_at_) {
    publish_at_ = time + kPublishEvery;
    publish();
  }
  // What has no handler yet is looked at again, and keeps the time of its event.
  std::erase_if(event_ns_,
                [&](const auto& event) { return !without_handler_.contains(event.first); });
}

std::optional<ApplyReport> Watcher::end() {
  notifier_.send("STOPPING=1");
  try {
    remove_watch_status(options_.session);
    const bool puts_back = !settings_.restore && !settings_.keep_default;
    const auto outcome = puts_back ? keeper_.put_default_back() : std::nullopt;
    if (outcome && !outcome->error.empty()) {
      options_.warn("/proc/irq/default_smp_affinity: " + outcome->error);
    }
    ban();  // Takes back what was banned.
    keeper_.stop();
  } catch (const Error& error) {  // The next watch, or a rollback, goes by what is on disk.
    options_.warn(error.what());
  }
  if (settings_.restore) {
    return keeper_.restore();
  }
  options_.log(fmt::format("stopped; {} stay where they are", counted(places_.size(), "mask")));
  return std::nullopt;
}

std::optional<ApplyReport> watch(const Sysfs& sysfs, const WatchOptions& options) {
  return Watcher(sysfs, options).run();
}

}  // namespace irqtune
