// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"
#include "irqtune/apply/watch_status.h"

#include "cli/support.h"

#include <optional>

namespace irqtune {

/// Where a watch runs: has it plan now, and prints what came of it; empty if none runs. Throws
/// Error{busy} with the command that stops it if the apply has options of its own: the watch goes
/// by its own.
[[nodiscard]] std::optional<ExitCode> apply_by_watch(const ApplyCommand& options,
                                                     const Session& session,
                                                     const Context& context);

/// Throws Error{busy} with the command that stops the watch, if one runs.
void require_no_watch(const Session& session, const std::string& command);

}  // namespace irqtune
