// SPDX-License-Identifier: Apache-2.0
#include "irqtune/top/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "measure/interval.h"

namespace irqtune {

namespace {

using measuring::Interval;

void take_rates(Interval& interval, Host& host) {
  host.rate_source = RateSource::sampled;
  host.sample_seconds = interval.seconds;
  for (auto& irq : host.irqs) {
    const auto found = interval.rows.find(irq.number);
    irq.rates_known = found != interval.rows.end();
    irq.rates = irq.rates_known ? std::move(found->second) : std::vector<CpuRate>{};
  }
}

/// True if the interrupt was counted, and not where the host says that it is delivered.
bool counted_elsewhere(const Irq& irq) {
  const bool placed = irq.effective && irq.effective->size() == 1;
  return placed && !irq.rates.empty() && std::ranges::none_of(irq.rates, [&](const CpuRate& rate) {
           return irq.effective->contains(rate.cpu);
         });
}

bool same_interrupt(const Irq& one, const Irq& other) {
  return one.number == other.number && one.actions == other.actions;
}

/// An idle vector without a row is in the host and in no reading.
bool is_outdated(const Host& host, const LoadReading& after) {
  auto known = host.irqs.begin();
  for (const auto& row : after.irqs) {
    known = std::find_if(
        known, host.irqs.end(), [&](const Irq& irq) { return irq.number >= row.number; });
    if (known == host.irqs.end() || !same_interrupt(*known, row)) {
      return true;
    }
  }
  const auto listed = std::ranges::count_if(host.irqs, &Irq::listed);
  return static_cast<std::size_t>(listed) > after.irqs.size() ||
         std::ranges::any_of(host.irqs, counted_elsewhere);
}

/// The first vCPUs that protect where the interrupt is delivered.
std::string vcpus_at(const Delivery& delivery, const ProtectionMap& protections) {
  for (const int cpu : delivery.cpus.cpus()) {
    const auto found = protections.find(cpu);
    if (found == protections.end()) {
      continue;
    }
    const auto named = std::ranges::find_if(
        found->second, [](const Protection& reason) { return !reason.vm.empty(); });
    if (named != found->second.end()) {
      return vcpus_text(*named);
    }
  }
  return {};
}

FrameRow row_of(const Host& host, const ProtectionMap& protections, const Irq& irq) {
  FrameRow row;
  row.irq = irq.number;
  row.vector = irq.vector;
  row.handlers = fmt::format("{}", fmt::join(irq.actions, ","));
  const auto* owner = irq.device ? find_owner(host, *irq.device) : nullptr;
  row.vm = owner != nullptr ? owner->name : std::string();
  if (irq.rates_known) {
    row.rate = total_rate(irq);
  }
  row.delivery = delivery_of(host, irq);
  row.standing = standing_of(irq.posted, row.delivery, protections);
  if (row.standing == Standing::collision) {
    row.vcpus = vcpus_at(row.delivery, protections);
  }
  return row;
}

void add(const InterruptRates& part, InterruptRates& sum) {
  sum.passthrough += part.passthrough;
  sum.host += part.host;
  sum.fixed += part.fixed;
}

template <typename Map>
typename Map::mapped_type at_or_none(const Map& map, int key) {
  const auto found = map.find(key);
  return found != map.end() ? found->second : typename Map::mapped_type{};
}

void add_cpus(const Host& host,
              const ProtectionMap& protections,
              const Interval& interval,
              Frame& frame) {
  for (const auto& cpu : host.topology.cpus) {
    if (!cpu.online) {
      continue;
    }
    FrameCpu one;
    one.load.cpu = cpu.number;
    one.load.shares = at_or_none(interval.shares, cpu.number);
    one.load.interrupts = at_or_none(interval.interrupts, cpu.number);
    add(one.load.interrupts, frame.interrupts);
    if (protected_by_vcpu(protections, cpu.number)) {
      add(one.load.interrupts, frame.on_vcpu_cores);
    }
    frame.cpus.push_back(one);
  }
}

/// One vector to the CPUs that it is delivered to.
void count(const FrameRow& row, const ProtectionMap& protections, Frame& frame) {
  ++frame.vectors;
  frame.tally.add(row.standing);
  for (const int number : row.delivery.cpus.cpus()) {
    const auto cpu = std::ranges::lower_bound(
        frame.cpus, number, {}, [](const FrameCpu& one) { return one.load.cpu; });
    if (cpu == frame.cpus.end() || cpu->load.cpu != number) {
      continue;
    }
    ++cpu->vectors;
    const bool collides =
        row.standing == Standing::collision && protected_by_vcpu(protections, number);
    cpu->collisions += collides ? 1U : 0U;
  }
}

}  // namespace

Frame make_frame(Host& host,
                 const ProtectionMap& protections,
                 const LoadReading& before,
                 const LoadReading& after) {
  auto interval = measuring::between(host, before, after);
  Frame frame;
  frame.host = host.id;
  frame.seconds = interval.seconds;
  add_cpus(host, protections, interval, frame);
  take_rates(interval, host);
  for (const auto& irq : host.irqs) {
    if (is_per_cpu(irq)) {
      continue;
    }
    frame.rows.push_back(row_of(host, protections, irq));
    if (irq.vector) {
      count(frame.rows.back(), protections, frame);
    }
  }
  frame.outdated = is_outdated(host, after);
  frame.warnings = host.warnings;
  return frame;
}

}  // namespace irqtune
