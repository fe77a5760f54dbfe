// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/finding.h"
#include "irqtune/core/host.h"
#include "irqtune/core/measurement.h"
#include "irqtune/core/plan.h"

#include <string>
#include <vector>

namespace irqtune {

/// What a page shows.
struct PageContent {
  const Host& host;
  const Plan& plan;
  const std::vector<Finding>& findings;             ///< Worst first.
  const std::vector<std::vector<Sample>>& history;  ///< Of appended measurements, oldest first.
};

/// One self-contained HTML page: no script, nothing fetched, light and dark, fit to print; each
/// mark of its maps has a title for a screen reader. Whatever comes from the host is escaped.
[[nodiscard]] std::string page_html(const PageContent& content);

/// The maps of that page alone, with the VMs' letters, as an SVG file of its own.
[[nodiscard]] std::string map_svg(const PageContent& content);

}  // namespace irqtune
