// SPDX-License-Identifier: Apache-2.0
#include "cli/parse/parse_help.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace irqtune {

namespace {

/// CLI11's own, but a value that a flag may take reads "--wait-lock[=SECONDS]".
class HelpText : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    const auto name = CLI::Formatter::make_option_name(option, is_positional);
    const auto brace = name.find('{');  // Then comes the value that the flag alone stands for.
    return brace == std::string::npos ? name : name.substr(0, brace) + "[=SECONDS]";
  }

  /// What an option needs is in its description.
  std::string make_option_opts(const CLI::Option* option) const override {
    const auto text = CLI::Formatter::make_option_opts(option);
    return text.substr(0, text.find(" Needs:"));
  }
};

}  // namespace

void set_up_help(CLI::App& app) {
  const auto help = std::make_shared<HelpText>();
  app.formatter(help);
  for (auto* command : app.get_subcommands({})) {
    command->formatter(help);
    command->footer("Global options, such as --root, --json and --quiet: irqtune --help");
  }
}

std::vector<std::string> spelled_out(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }
  return arguments;
}

}  // namespace irqtune
