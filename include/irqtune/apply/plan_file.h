// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/plan.h"

#include <optional>
#include <string>
#include <string_view>

namespace irqtune {

/// Reads a plan as `plan --json` printed it (irqtune.plan/1), for `apply PLAN.json`.
/// Throws Error{usage} naming `path` and the offending member if it does not validate.
[[nodiscard]] Plan parse_plan(std::string_view json, std::string_view path);

/// The digest of its changes that the document records; empty optional if it records none.
[[nodiscard]] std::optional<std::string> recorded_digest(std::string_view json);

}  // namespace irqtune
