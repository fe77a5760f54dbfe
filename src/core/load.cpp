// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/load.h"

#include "irqtune/core/delivery.h"

#include <algorithm>

namespace irqtune {

std::optional<double> rate_of(const Host& host, const Irq& irq) noexcept {
  const bool known = host.rate_source != RateSource::none && irq.listed && irq.rates_known;
  return known ? std::optional(total_rate(irq)) : std::nullopt;
}

bool is_measured(const Host& host, const Irq& irq) noexcept {
  return host.rate_source == RateSource::sampled && rate_of(host, irq).has_value();
}

void add_rates(const Host& host, const Irq& irq, std::optional<int> target, RatesByCpu& rates) {
  if (irq.rates.empty() || is_per_cpu(irq)) {
    return;
  }
  if (const auto at = target ? target : only_cpu(delivery_of(host, irq))) {
    rates[*at] += total_rate(irq);
    return;
  }
  for (const auto& rate : irq.rates) {
    rates[rate.cpu] += rate.rate;
  }
}

void add_counts(const Host& host, const Irq& irq, RatesByCpu& counts) {
  if (irq.counts.empty() || is_per_cpu(irq)) {
    return;
  }
  if (const auto at = only_cpu(delivery_of(host, irq))) {
    counts[*at] += static_cast<double>(total_count(irq));
    return;
  }
  for (const auto& count : irq.counts) {
    counts[count.cpu] += static_cast<double>(count.count);
  }
}

double rate_on(const Host& host, const Irq& irq, int cpu) {
  RatesByCpu rates;
  add_rates(host, irq, std::nullopt, rates);
  const auto found = rates.find(cpu);
  return found != rates.end() ? found->second : 0;
}

RatesByCpu loads_of(const Topology& topology, RatesByCpu rates) {
  for (const auto& cpu : topology.cpus) {
    if (const auto found = rates.find(cpu.number); found != rates.end()) {
      found->second = load_of(cpu, found->second);
    }
  }
  return rates;
}

double load_of(const Cpu& cpu, double rate) noexcept {
  constexpr double kFullCapacity = 1024;
  const auto capacity = cpu.capacity.value_or(0);
  return capacity > 0 ? rate * kFullCapacity / capacity : rate;
}

}  // namespace irqtune
