// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace irqtune {

/// Now, in UTC, "2026-03-01T12:34:56Z".
[[nodiscard]] std::string utc_now();

}  // namespace irqtune
