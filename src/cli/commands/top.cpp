// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/signals.h"
#include "irqtune/core/protection.h"
#include "irqtune/read/load/load.h"
#include "irqtune/report/frame.h"
#include "irqtune/sys/clock.h"
#include "irqtune/sys/utc.h"
#include "irqtune/top/frame.h"
#include "irqtune/top/page.h"
#include "irqtune/top/screen.h"

#include "cli/support.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <utility>

#include <unistd.h>

namespace irqtune {

namespace {

using std::chrono::microseconds;

double seconds_of(microseconds time) {
  return std::chrono::duration<double>(time).count();
}

/// The frames of a host, one after the other; of a tree its only one. Between two looks at the
/// whole host only the counts are read.
class Feed {
 public:
  Feed(const TopCommand& options, const Context& context)
      : options_(options.policy), context_(context), rules_(policy_of(options.policy).protection) {
    options_.sample = 0;
    look();
    if (goes_on()) {
      begin();
      frame_ = make_frame(host_, protections_, before_, before_);
    } else {
      const auto readings = read_loads(context_.sysfs, host_, {});
      frame_ = make_frame(host_, protections_, readings.front(), readings.back());
    }
  }

  [[nodiscard]] bool goes_on() const { return context_.sysfs.live(); }

  [[nodiscard]] Scene scene() const { return {host_, protections_, frame_}; }

  /// An interval begins now.
  void begin() { before_ = reading(); }

  /// It ends, and the next one begins.
  void end() {
    auto after = reading();
    frame_ = make_frame(host_, protections_, before_, after);
    frame_.time = utc_now();
    before_ = std::move(after);
    if (is_due()) {
      look();
    }
  }

 private:
  /// VMs, pins and masks change without a word.
  [[nodiscard]] bool is_due() const {
    constexpr std::chrono::seconds kUsual{10};
    constexpr std::chrono::seconds kSoonest{2};
    return steady_now() - looked_ >= (frame_.outdated ? kSoonest : kUsual);
  }

  void look() {
    host_ = read_host_for(context_, options_, Detail::devices, false);
    protections_ = protections(host_, rules_);
    looked_ = steady_now();
  }

  [[nodiscard]] LoadReading reading() const {
    auto counts = read_counts(context_.sysfs, "");
    counts.at = seconds_of(steady_now());
    return counts;
  }

  PolicyOptions options_;
  const Context& context_;
  ProtectionRules rules_;
  Host host_;
  ProtectionMap protections_;
  microseconds looked_{};
  LoadReading before_;
  Frame frame_;
};

/// When intervals end: one after the other, whatever the work between them takes.
class Beat {
 public:
  explicit Beat(double seconds)
      : length_(std::chrono::duration_cast<microseconds>(std::chrono::duration<double>(seconds))) {
    start();
  }

  void start() { due_ = steady_now() + length_; }

  void next() { due_ = std::max(due_ + length_, steady_now()); }

  [[nodiscard]] microseconds left() const { return due_ - steady_now(); }

 private:
  microseconds length_;
  microseconds due_{};
};

bool is_enough(const TopCommand& options, std::uint64_t frames) {
  return options.count && frames >= *options.count;
}

/// A pipe's reader ends it by going away, a person by ^C.
void print_lines(const TopCommand& options, const Context& context, Feed& feed) {
  Beat beat(options.interval);
  for (std::uint64_t frames = 0; context.out && !is_enough(options, frames); ++frames) {
    if (feed.goes_on()) {
      rest_for(std::max(beat.left(), microseconds(0)));
      beat.next();
      feed.end();
    }
    context.out << frame_line(feed.scene().frame) << std::flush;
    if (!feed.goes_on()) {
      return;
    }
  }
}

void draw(const Feed& feed, View& view, Screen& screen) {
  const auto page = make_page(feed.scene(), view, screen.size());
  view.scroll = std::min(view.scroll, page.last_scroll);
  view.page = page.scrolled;
  screen.draw(page);
}

/// False if one of the keys ends it.
bool obey_keys(View& view, Screen& screen) {
  while (const auto key = screen.next_key()) {
    if (!press(*key, view)) {
      return false;
    }
  }
  return true;
}

constexpr microseconds kRest = std::chrono::milliseconds(250);

void show_screen(const TopCommand& options, const Context& context, Feed& feed) {
  const SignalGuard signals;  // The terminal is put in order first.
  Screen screen(context.style.color);
  View view;
  Beat beat(options.interval);
  for (std::uint64_t frames = 0; !SignalGuard::interrupted() && !is_enough(options, frames);) {
    draw(feed, view, screen);
    const bool was_frozen = view.frozen;
    const bool rests = view.frozen || !feed.goes_on();
    // A change of size that comes just before the wait does not end it, and is seen after it.
    if (!Screen::wait(rests ? kRest : std::min(beat.left(), kRest)) || !obey_keys(view, screen)) {
      return;
    }
    if (was_frozen && !view.frozen && feed.goes_on()) {
      feed.begin();
      beat.start();
    }
    if (!view.frozen && feed.goes_on() && beat.left() <= microseconds(0)) {
      beat.next();
      feed.end();
      ++frames;
    }
  }
}

bool is_on_terminal(const Context& context) {
  const auto terminal = environment("TERM");
  return !context.call.json && &context.out == &std::cout && ::isatty(STDIN_FILENO) == 1 &&
         ::isatty(STDOUT_FILENO) == 1 && !terminal.empty() && terminal != "dumb";
}

}  // namespace

ExitCode run(const TopCommand& options, const Context& context) {
  Feed feed(options, context);
  if (!is_on_terminal(context)) {
    print_lines(options, context, feed);
    return ExitCode::ok;
  }
  show_screen(options, context, feed);
  print_warnings(context, feed.scene().frame.warnings);
  return ExitCode::ok;
}

}  // namespace irqtune
