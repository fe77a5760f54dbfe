// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/measurement.h"
#include "irqtune/report/report.h"

#include <string>
#include <vector>

namespace irqtune {

/// For people: totals, each VM, alarms, and what changed since the earlier measurement, if any.
[[nodiscard]] std::string measurement_text(const Measurement& measured, const TextStyle& style);

/// The table of what differs, with a blank line before it; empty without any figure.
[[nodiscard]] std::string comparisons_text(const std::vector<Comparison>& comparisons,
                                           const TextStyle& style);

/// The document irqtune.apply/1 with the figures before and after it.
[[nodiscard]] std::string apply_json(const ApplyReport& report,
                                     const std::vector<Comparison>& compare);

/// The document irqtune.measure/1. `samples` in it is what --against reads again.
[[nodiscard]] std::string measurement_json(const Measurement& measured);

/// The same on one line with its newline, for the history of measurements.
[[nodiscard]] std::string measurement_line(const Measurement& measured);

}  // namespace irqtune
