// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands.h"

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace irqtune {

/// What is wrong with the command line, on one line: "what: why".
[[nodiscard]] std::string parse_message(const CLI::App& app, const CLI::ParseError& error);

/// What to do about it: the nearest spelling, else where to read.
[[nodiscard]] std::string parse_hint(const CLI::App& app, const std::string& message);

/// The option that was typed and says nothing without another that was not given, as a message:
/// "apply: --timeout: says nothing without --wait-stable". Empty if there is none. In a
/// configuration file such an option waits for the day when the other is typed.
[[nodiscard]] std::string ignored_option(const CLI::App& app, const ConfigOrigin& origin);

/// The command that was chosen; empty if none was.
[[nodiscard]] std::string command_name(const CLI::App& app);

}  // namespace irqtune
