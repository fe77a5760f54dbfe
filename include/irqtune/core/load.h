// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <map>
#include <optional>

namespace irqtune {

// The one definition of what interrupts weigh on a CPU.

/// Interrupts per second by CPU number.
using RatesByCpu = std::map<int, double>;

/// Interrupts per second over all CPUs; empty optional where that is not known: no rates at all,
/// no counts of this one, or it was gone or another's at the second reading.
[[nodiscard]] std::optional<double> rate_of(const Host& host, const Irq& irq) noexcept;

/// True if the interrupt was seen to come, or to stay away, while the host was sampled: rates since
/// boot tell of days when it may have had another owner.
[[nodiscard]] bool is_measured(const Host& host, const Irq& irq) noexcept;

/// Adds what the interrupt gives each CPU from now on: all of it to `target`, or where that is
/// empty to the one CPU that it is delivered to, wherever it was counted before; else to each CPU
/// what was counted there. Each CPU's own interrupts (see is_per_cpu) are no load.
void add_rates(const Host& host, const Irq& irq, std::optional<int> target, RatesByCpu& rates);

/// The same of its counts since boot, for hosts without rates.
void add_counts(const Host& host, const Irq& irq, RatesByCpu& counts);

/// The interrupt's part of a CPU's rate from now on: as add_rates.
[[nodiscard]] double rate_on(const Host& host, const Irq& irq, int cpu);

/// What the rates come to as loads, in those of a CPU of full capacity: rate x 1024 / cpu_capacity.
/// CPUs that the topology does not know weigh what they are.
[[nodiscard]] RatesByCpu loads_of(const Topology& topology, RatesByCpu rates);

/// How much `rate` interrupts per second load a CPU, in those of a CPU of full capacity.
[[nodiscard]] double load_of(const Cpu& cpu, double rate) noexcept;

}  // namespace irqtune
