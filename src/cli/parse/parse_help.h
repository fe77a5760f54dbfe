// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace irqtune {

/// Makes `app` and its commands print their help in this program's words. Call it when all commands
/// are there.
void set_up_help(CLI::App& app);

/// The arguments without the program's name, as CLI11 takes them: "help plan" is "plan --help".
[[nodiscard]] std::vector<std::string> spelled_out(int argc, const char* const* argv);

}  // namespace irqtune
