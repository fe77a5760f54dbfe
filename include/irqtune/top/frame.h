// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/frame.h"
#include "irqtune/core/measurement.h"
#include "irqtune/core/protection.h"

namespace irqtune {

/// What happened on `host` between two readings of its counts. The rates of `host` become those of
/// the interval: where a vector is delivered is judged by them, as everywhere.
[[nodiscard]] Frame make_frame(Host& host,
                               const ProtectionMap& protections,
                               const LoadReading& before,
                               const LoadReading& after);

}  // namespace irqtune
