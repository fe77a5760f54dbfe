// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace irqtune {

constexpr auto kConfigPath = "/etc/irqtune/irqtune.toml";

/// What is wrong with the command line or the configuration file, on one line: "what: why".
[[nodiscard]] std::string parse_message(const CLI::App& app, const CLI::ParseError& error);

/// What to do about it: the nearest spelling, else where to read.
[[nodiscard]] std::string parse_hint(const CLI::App& app);

/// `message` about an option "--name ..." that nobody typed comes from the configuration file, and
/// is made to say so.
[[nodiscard]] std::string name_config(const std::string& message,
                                      int argc,
                                      const char* const* argv);

}  // namespace irqtune
