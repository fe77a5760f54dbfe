// SPDX-License-Identifier: Apache-2.0
#include "read/interrupts/rates.h"

#include "irqtune/core/rates.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>

namespace irqtune {

namespace {

constexpr std::size_t kLargestTable = std::size_t{512} << 20;  // 4096 CPUs, 11000 interrupts.

/// One reading of everything that moves.
struct Reading {
  InterruptTable table;
  std::map<int, CpuTimes> times;
};

Reading read_moving(const Sysfs& sysfs, std::string_view prefix) {
  return {read_interrupt_table(sysfs, prefix),
          parse_stat(sysfs.read(fmt::format("{}/proc/stat", prefix)).value_or(""))};
}

void set_busy(const std::map<int, CpuTimes>& before,
              const std::map<int, CpuTimes>& after,
              Host& host) {
  for (auto& cpu : host.topology.cpus) {
    const auto first = before.find(cpu.number);
    const auto second = after.find(cpu.number);
    if (first != before.end() && second != after.end() &&
        second->second.total > first->second.total && second->second.irq >= first->second.irq) {
      cpu.irq_busy = static_cast<double>(second->second.irq - first->second.irq) /
                     static_cast<double>(second->second.total - first->second.total);
    }
  }
}

void set_rates(const InterruptTable& after, double seconds, Host& host) {
  for (auto& irq : host.irqs) {
    const auto found = std::ranges::lower_bound(after.irqs, irq.number, {}, &Irq::number);
    // A number that came to mean another handler in between tells nothing.
    irq.rates_known =
        found != after.irqs.end() && found->number == irq.number && found->actions == irq.actions;
    if (irq.rates_known) {
      irq.rates = rates_between(irq.counts, found->counts, seconds);
    }
  }
  host.rate_source = RateSource::sampled;
  host.sample_seconds = seconds;
}

void rates_since_boot(const Sysfs& sysfs, Host& host) {
  const auto uptime = read_uptime(sysfs, "");
  if (!uptime || *uptime <= 0) {
    if (!host.irqs.empty()) {
      host.warnings.emplace_back("/proc/uptime: absent or no time; rates are not known");
    }
    return;
  }
  for (auto& irq : host.irqs) {
    irq.rates = rates_between({}, irq.counts, *uptime);
  }
  host.rate_source = RateSource::since_boot;
  host.sample_seconds = uptime;
}

/// A tree's second reading; false if it has none.
bool rates_of_tree(const Sysfs& sysfs, Host& host) {
  if (!sysfs.exists("/sample2/proc/interrupts")) {
    return false;
  }
  const auto first = read_uptime(sysfs, "");
  const auto second = read_uptime(sysfs, "/sample2");
  if (!first || !second || *second <= *first) {
    host.warnings.emplace_back("/sample2/proc/uptime: no time between the two readings; not used");
    return false;
  }
  auto after = read_moving(sysfs, "/sample2");
  if (after.table.irqs.empty() && !after.table.warnings.empty()) {
    std::ranges::move(after.table.warnings, std::back_inserter(host.warnings));
    return false;
  }
  set_rates(after.table, *second - *first, host);
  set_busy(parse_stat(sysfs.read("/proc/stat").value_or("")), after.times, host);
  return true;
}

}  // namespace

InterruptTable read_interrupt_table(const Sysfs& sysfs, std::string_view prefix) {
  constexpr int kTries = 5;
  const auto path = fmt::format("{}/proc/interrupts", prefix);
  InterruptTable table;
  for (int tries = 0; tries < kTries; ++tries) {
    InterruptParser parser;
    const auto error =
        sysfs.stream(path, kLargestTable, [&](std::string_view piece) { parser.feed(piece); });
    table = error ? InterruptTable{} : parser.finish();
    if (error) {
      table.warnings.push_back(
          fmt::format("{}: {}; no interrupts are known", path, error.message()));
      return table;
    }
    if (table.irqs.empty() && table.warnings.empty()) {
      table.warnings.push_back(fmt::format("{}: no interrupts in it", path));
    }
    if (!table.torn || !sysfs.live()) {
      return table;
    }
  }
  table.warnings.push_back(fmt::format("{}: CPUs came or went while it was read", path));
  return table;
}

std::optional<double> parse_uptime(std::string_view text) {
  double seconds = 0;
  const auto word = take_word(text);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), seconds);
  return error == std::errc{} && seconds >= 0 && seconds < 1e12 ? std::optional(seconds)
                                                                : std::nullopt;
}

std::optional<double> read_uptime(const Sysfs& sysfs, std::string_view prefix) {
  return parse_uptime(sysfs.read(fmt::format("{}/proc/uptime", prefix)).value_or(""));
}

void wait_seconds(double seconds, const std::function<void(double)>& on_wait, const Clock& clock) {
  using std::chrono::microseconds;
  constexpr microseconds kStep{100'000};
  const auto end = clock.now() +
                   std::chrono::duration_cast<microseconds>(std::chrono::duration<double>(seconds));
  for (auto now = clock.now(); now < end; now = clock.now()) {
    const auto left = end - now;
    if (on_wait) {
      on_wait(std::chrono::duration<double>(left).count());
    }
    clock.sleep(std::min(left, kStep));
  }
}

std::map<int, CpuTimes> parse_stat(std::string_view text) {
  constexpr std::size_t kIrq = 5;  // Source: proc_stat(5)
  constexpr std::size_t kSoftirq = 6;
  constexpr std::size_t kGuest = 8;  // Counted in user time already.
  std::map<int, CpuTimes> times;
  while (text.starts_with("cpu")) {
    const auto fields = words(take_until(text, '\n'));
    const auto cpu = parse_number<int>(fields.front().substr(3));
    if (!cpu) {
      continue;  // The sum line.
    }
    CpuTimes sum;
    for (std::size_t i = 0; i + 1 < fields.size() && i < kGuest; ++i) {
      const auto ticks = parse_number<std::uint64_t>(fields[i + 1]).value_or(0);
      sum.total += ticks;
      sum.irq += i == kIrq || i == kSoftirq ? ticks : 0;
    }
    times.emplace(*cpu, sum);
  }
  return times;
}

void read_rates(const Sysfs& sysfs, const ReadOptions& options, Host& host) {
  if (options.sample && *options.sample <= 0) {
    rates_since_boot(sysfs, host);
    return;
  }
  if (!sysfs.live()) {
    if (rates_of_tree(sysfs, host)) {
      return;
    }
    if (options.sample) {
      host.warnings.emplace_back(
          "--sample: this tree has no second reading (sample2/); rates are since boot");
    }
    rates_since_boot(sysfs, host);
    return;
  }
  if (!options.sample) {
    rates_since_boot(sysfs, host);
    return;
  }
  const auto start = options.clock.now();
  const auto before = read_moving(sysfs, "");
  wait_seconds(*options.sample, options.on_wait, options.clock);
  const auto after = read_moving(sysfs, "");
  const std::chrono::duration<double> seconds = options.clock.now() - start;
  for (auto& irq : host.irqs) {  // The first reading may be younger than the rows of the host.
    const auto found = std::ranges::lower_bound(before.table.irqs, irq.number, {}, &Irq::number);
    if (found != before.table.irqs.end() && found->number == irq.number) {
      irq.counts = found->counts;
    }
  }
  set_rates(after.table, seconds.count(), host);
  set_busy(before.times, after.times, host);
}

}  // namespace irqtune
