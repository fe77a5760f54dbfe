// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/watch_status.h"

#include "cli/support.h"

#include <optional>
#include <string>

namespace irqtune {

/// The host read and planned now, as metrics; `watch`: the one that runs, if any.
[[nodiscard]] std::string metrics_of(const Context& context,
                                     const PolicyOptions& options,
                                     const std::optional<WatchStatus>& watch);

/// Puts them in place at once. Throws Error{host}, which says `elsewhere`, if it cannot.
void write_metrics(const std::string& path, const std::string& text, const std::string& elsewhere);

}  // namespace irqtune
