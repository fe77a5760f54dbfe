// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/parse/parse_options.h"

namespace irqtune {

/// Declares the commands that look on, or stay: measure, top, watch, metrics, report.
void add_services(CLI::App& app, Command& command, CommandOptions& options, const Wanted& wants);

}  // namespace irqtune
