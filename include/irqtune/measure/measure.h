// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/measurement.h"
#include "irqtune/core/protection.h"

#include <span>
#include <vector>

namespace irqtune {

/// Shares of softirq time above this are an alarm, if they last for 8 of 10 slices.
inline constexpr double kSoftirqAlarm = 0.8;

/// What the readings, two or more in time's order, say of the host. `protections`: who protects
/// which CPU; `housekeeping`: the CPUs that may take vectors. Pure.
[[nodiscard]] Measurement measure(const Host& host,
                                  const ProtectionMap& protections,
                                  const CpuSet& housekeeping,
                                  std::span<const LoadReading> readings);

/// The figures that both have, in the order of `after`. A difference within the spread of the
/// slices of either is none.
[[nodiscard]] std::vector<Comparison> compare(const std::vector<Sample>& before,
                                              const std::vector<Sample>& after);

}  // namespace irqtune
