// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands.h"

#include <memory>
#include <string>

namespace CLI {
class App;
class Config;
}  // namespace CLI

namespace irqtune {

constexpr auto kConfigPath = "/etc/irqtune/irqtune.toml";

/// How the configuration file is read: which options it gives, and in `origin` where it says so.
/// Reading throws Error{usage}, with file and line, if it names what is no option or gives a value
/// that cannot be. `app` and `origin` must outlive it.
[[nodiscard]] std::shared_ptr<CLI::Config> make_config(CLI::App& app, ConfigOrigin& origin);

/// `message` about an option "--name ..." of `command` that the configuration file gave is made to
/// say so: "FILE:LINE: name ..."; one that names it further on, "FILE:LINE: message".
[[nodiscard]] std::string name_config(const std::string& message,
                                      const ConfigOrigin& origin,
                                      const std::string& command);

}  // namespace irqtune
