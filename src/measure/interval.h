// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/measurement.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// What happened between two readings; for measuring, and for frames of `top`.
namespace irqtune::measuring {

/// A VM's counters a second.
struct VmRates {
  std::optional<double> run_delay;  ///< Nanoseconds a second
  std::optional<double> exits;
  std::optional<double> irq_exits;
};

struct Interval {
  double seconds = 0;
  bool irq_time_known = false;   ///< The kernel accounts interrupt time at all.
  std::map<int, Shares> shares;  ///< By CPU
  std::map<int, InterruptRates> interrupts;
  std::map<int, double> squeezed;                  ///< By CPU, a second
  std::map<IrqNumber, std::vector<CpuRate>> rows;  ///< Those that are the same row in both.

  /// Of passed-through devices, by key; empty if the row came, went or changed hands meanwhile.
  std::map<VectorId, std::optional<std::vector<CpuRate>>> vectors;
  std::map<std::string, VmRates> vms;
};

/// `before` and `after`: readings of `host`, which says what each row is.
[[nodiscard]] Interval between(const Host& host,
                               const LoadReading& before,
                               const LoadReading& after);

}  // namespace irqtune::measuring
