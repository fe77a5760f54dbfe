// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/change.h"
#include "irqtune/core/drift.h"
#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"

#include <string>
#include <vector>

namespace irqtune {

/// The state of the host as OpenMetrics text: at most 10 series a device and a VM, none for an
/// interrupt or a CPU; ends with "# EOF". All are gauges. `history`: the journals; a metric that is
/// not known is left out. Source: OpenMetrics 1.0; Prometheus' text format, in which "# EOF" is a
/// comment, so that node_exporter's textfile collector takes it too.
[[nodiscard]] std::string metrics_text(const Host& host,
                                       const Plan& plan,
                                       const Drift& drift,
                                       const std::vector<HistoryEntry>& history);

}  // namespace irqtune
