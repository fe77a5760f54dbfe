// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands.h"

namespace CLI {
class App;
}  // namespace CLI

namespace irqtune {

/// The options of a command that looks at who protects which CPU.
void add_protection(CLI::App& app, PolicyOptions& options);

/// The options of a command that plans; these among them.
void add_policy(CLI::App& app, PolicyOptions& options);

}  // namespace irqtune
