// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/change.h"
#include "irqtune/core/drift.h"
#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace irqtune {

/// What a running watch tells of itself.
struct WatchFigures {
  std::size_t vectors = 0;   ///< That it keeps.
  std::size_t in_place = 0;  ///< Of those
  std::size_t let_go = 0;    ///< Of those: another program fights for them.
  std::size_t placed = 0;    ///< Masks written since it started.
};

/// What stands in the state directory.
struct MetricsRecord {
  std::vector<HistoryEntry> history;
  std::optional<WatchFigures> watch;  ///< Empty: none runs, and it has no series.
};

/// The state of the host as OpenMetrics text: at most 10 series a device and a VM, none for an
/// interrupt or a CPU; ends with "# EOF". All are gauges. A metric that is not known is left out.
/// Source: OpenMetrics 1.0; Prometheus' text format, in which "# EOF" is a comment, so that
/// node_exporter's textfile collector takes it too.
[[nodiscard]] std::string metrics_text(const Host& host,
                                       const Plan& plan,
                                       const Drift& drift,
                                       const MetricsRecord& record);

}  // namespace irqtune
