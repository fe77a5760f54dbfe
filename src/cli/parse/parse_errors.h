// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace irqtune {

/// What is wrong with the command line, on one line: "what: why".
[[nodiscard]] std::string parse_message(const CLI::App& app, const CLI::ParseError& error);

/// What to do about it: the nearest spelling, else where to read.
[[nodiscard]] std::string parse_hint(const CLI::App& app);

/// The command that was chosen; empty if none was.
[[nodiscard]] std::string command_name(const CLI::App& app);

}  // namespace irqtune
