// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/sys/sysfs.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace irqtune {

/// The interrupts that a running irqbalance says it may move, by its answer to `stats`; empty
/// optional if that is no such answer. Source: irqbalance irqbalance.c, sock_handle(); activate.c
[[nodiscard]] std::optional<std::set<IrqNumber>> parse_balance_stats(std::string_view answer);

/// Asks the irqbalance with this PID by the socket that it has in `directory`, or without a file;
/// it answers root only. Empty optional if it cannot be asked.
[[nodiscard]] std::optional<std::set<IrqNumber>> ask_irqbalance(const std::string& directory,
                                                                int pid);

/// The interrupts of passed-through devices that have a handler now, as /proc/interrupts lists
/// them.
[[nodiscard]] std::set<IrqNumber> passed_through_irqs(const Sysfs& sysfs);

}  // namespace irqtune
