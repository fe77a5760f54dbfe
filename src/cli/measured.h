// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/measurement.h"

#include "cli/support.h"

namespace irqtune {

/// Measures for so long what interrupts cost the guests; `shown` is what progress says of it.
/// Throws as read_loads().
[[nodiscard]] Measurement measure_host(const Context& context,
                                       PolicyOptions options,
                                       double seconds,
                                       const std::string& shown);

}  // namespace irqtune
