// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <vector>

namespace irqtune {

/// Per-CPU rates between two readings of one interrupt, `seconds` apart. The kernel's counters wrap
/// at 2^32; one that fell by more than a wrap explains was made anew and counts from zero.
[[nodiscard]] std::vector<CpuRate> rates_between(const std::vector<CpuCount>& before,
                                                 const std::vector<CpuCount>& after,
                                                 double seconds);

}  // namespace irqtune
