// SPDX-License-Identifier: Apache-2.0
#include "measure/interval.h"

#include "irqtune/core/rates.h"

#include <algorithm>
#include <utility>

namespace irqtune::measuring {

namespace {

/// A counter's growth a second; empty if it is not known, or fell: then it was made anew.
std::optional<double> growth(const std::optional<std::uint64_t>& before,
                             const std::optional<std::uint64_t>& after,
                             double seconds) {
  return before && after && *after >= *before
             ? std::optional(static_cast<double>(*after - *before) / seconds)
             : std::nullopt;
}

/// Without interrupt time accounting a kernel that took millions of interrupts says 0 ticks.
/// Source: Linux kernel/sched/cputime.c, irqtime_account_irq().
bool accounts_irq_time(const std::map<int, CpuTicks>& cpus) {
  return std::ranges::any_of(
      cpus, [](const auto& entry) { return entry.second.irq > 0 || entry.second.softirq > 0; });
}

void add_shares(const LoadReading& before, const LoadReading& after, Interval& out) {
  out.irq_time_known = accounts_irq_time(after.cpus);
  for (const auto& [cpu, now] : after.cpus) {
    const auto found = before.cpus.find(cpu);
    // A CPU that was taken offline meanwhile may count anew.
    if (found == before.cpus.end() || now.total <= found->second.total) {
      continue;
    }
    const auto& was = found->second;
    const auto share = [total = static_cast<double>(now.total - was.total)](std::uint64_t from,
                                                                            std::uint64_t to) {
      return to >= from ? std::optional(static_cast<double>(to - from) / total) : std::nullopt;
    };
    auto& shares = out.shares[cpu];
    shares.busy = share(was.busy, now.busy);
    if (out.irq_time_known) {
      shares.irq = share(was.irq, now.irq);
      shares.softirq = share(was.softirq, now.softirq);
    }
  }
}

/// A CPU's own interrupt (timer, SGI, PMU): the kernel says that it is delivered nowhere else.
bool is_per_cpu(const Irq& irq) {
  return irq.effective && irq.effective->empty();
}

/// Which sum an interrupt's rates belong to.
double InterruptRates::*sum_of(const Irq& irq) {
  if (irq.vector) {
    return &InterruptRates::passthrough;
  }
  return is_per_cpu(irq) ? &InterruptRates::fixed : &InterruptRates::host;
}

void add_rates(const std::vector<CpuRate>& rates, double InterruptRates::*sum, Interval& out) {
  for (const auto& [cpu, rate] : rates) {
    out.interrupts[cpu].*sum += rate;
  }
}

/// The row of that number, if it is the same interrupt's; nullptr otherwise.
const Irq* same_row(const std::vector<Irq>& rows, const Irq& irq) {
  const auto found = std::ranges::lower_bound(rows, irq.number, {}, &Irq::number);
  return found != rows.end() && found->number == irq.number && found->actions == irq.actions
             ? &*found
             : nullptr;
}

void add_rows(const Host& host,
              const LoadReading& before,
              const LoadReading& after,
              Interval& out) {
  for (const auto& irq : host.irqs) {
    const auto* was = same_row(before.irqs, irq);
    const auto* now = same_row(after.irqs, irq);
    if (irq.vector) {
      out.vectors[*irq.vector];
    }
    if (was == nullptr || now == nullptr) {
      continue;
    }
    auto rates = rates_between(was->counts, now->counts, out.seconds);
    add_rates(rates, sum_of(irq), out);
    if (irq.vector) {
      out.vectors[*irq.vector] = rates;
    }
    out.rows.emplace(irq.number, std::move(rates));
  }
}

/// Rows without a number; labels may repeat, so they are told apart by their place.
void add_counters(const LoadReading& before, const LoadReading& after, Interval& out) {
  const auto count = std::min(before.counters.size(), after.counters.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (before.counters[i].label == after.counters[i].label) {
      add_rates(rates_between(before.counters[i].counts, after.counters[i].counts, out.seconds),
                &InterruptRates::fixed,
                out);
    }
  }
}

void add_others(const LoadReading& before, const LoadReading& after, Interval& out) {
  for (const auto& [cpu, now] : after.squeezed) {
    const auto was = before.squeezed.find(cpu);
    if (was != before.squeezed.end() && now >= was->second) {
      out.squeezed[cpu] = static_cast<double>(now - was->second) / out.seconds;
    }
  }
  for (const auto& [name, now] : after.vms) {
    const auto was = before.vms.find(name);
    if (was != before.vms.end()) {
      out.vms[name] = {growth(was->second.run_delay, now.run_delay, out.seconds),
                       growth(was->second.exits, now.exits, out.seconds),
                       growth(was->second.irq_exits, now.irq_exits, out.seconds)};
    }
  }
}

}  // namespace

Interval between(const Host& host, const LoadReading& before, const LoadReading& after) {
  Interval out;
  out.seconds = after.at - before.at;
  if (out.seconds <= 0) {
    return out;
  }
  add_shares(before, after, out);
  add_rows(host, before, after, out);
  add_counters(before, after, out);
  add_others(before, after, out);
  return out;
}

}  // namespace irqtune::measuring
