// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "cli/commands.h"
#include "cli/parse/parse_config.h"
#include "cli/parse/parse_errors.h"
#include "cli/parse/parse_help.h"
#include "cli/parse/parse_options.h"
#include "cli/parse/validators.h"
#include "cli/support.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <string_view>
#include <utility>

namespace irqtune {

namespace {

/// The value of --root among the raw arguments: the default config file lies under it.
std::string root_argument(int argc, const char* const* argv) {
  std::string root = "/";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--root" && i + 1 < argc) {
      root = argv[i + 1];
    } else if (argument.starts_with("--root=")) {
      root = argument.substr(7);
    }
  }
  return root;
}

/// The first option that is written "--name=", as with an unset variable, and would take the next
/// word for its value; empty if there is none.
std::string option_without_value(int argc, const char* const* argv) {
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      return printable(argument.substr(0, argument.size() - 1));
    }
  }
  return {};
}

/// An option that may stand alone, and the number that stands behind it as if it were its value:
/// it would be taken for a plan or a journal. Empty if there is none.
std::optional<std::pair<std::string, std::string>> parted_value(int argc, const char* const* argv) {
  for (int i = 1; i + 1 < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string_view argument = argv[i];
    const std::string_view next = argv[i + 1];
    const bool alone = argument == "--wait-lock" || argument == "--wait-stable";
    if (alone && !next.empty() && next.find_first_not_of("0123456789.") == std::string_view::npos) {
      return std::pair{std::string(argument), std::string(next)};
    }
  }
  return std::nullopt;
}

/// The configuration file that counts where none is named.
struct DefaultConfig {
  std::string path;              ///< For CLI11 to open; empty if the root has none.
  std::shared_ptr<void> holder;  ///< Keeps it open.
  std::optional<Error>
      fault;  ///< Why it cannot be read. To go on without it would be another plan.
};

DefaultConfig default_config(const std::string& root) {
  DefaultConfig config;
  std::error_code ignored;
  if (!std::filesystem::is_directory(root, ignored)) {
    return config;
  }
  const Sysfs sysfs(root);
  const auto error = sysfs.in_memory() ? std::error_code() : sysfs.read_file(kConfigPath).error;
  if (error == std::errc::no_such_file_or_directory && !sysfs.link_name(kConfigPath)) {
    return config;
  }
  if (error) {  // Also of a link to nothing: somebody put it there.
    const bool denied = error == std::errc::permission_denied;
    config.fault = Error::system(
        ErrorKind::host,
        kConfigPath,
        "cannot read",
        error,
        fmt::format("{}name another file with --config", denied ? "run it as root, or " : ""));
    return config;
  }
  config.path = sysfs.library_path(kConfigPath, config.holder);
  return config;
}

/// The long names of the options that select and place; `check` has one other.
std::vector<std::string> policy_keys(const CLI::App& app) {
  std::vector<std::string> keys;
  for (const auto* option : app.get_subcommand("check")->get_options()) {
    keys.insert(keys.end(), option->get_lnames().begin(), option->get_lnames().end());
  }
  std::erase(keys, "strict");   // Of another meaning at apply.
  std::erase(keys, "columns");  // That is about the table.
  return keys;
}

/// Those of the options that were typed, as a shell takes them: " --vm vm1", " --rebalance".
std::vector<TypedOption> typed_options(const CLI::App& app,
                                       const ConfigOrigin& config,
                                       const std::string& command,
                                       const std::vector<std::string>& keys) {
  std::vector<TypedOption> typed;
  for (const auto& key : keys) {
    const auto* option = app.get_option_no_throw("--" + key);
    if (option == nullptr || option->count() == 0 || config.lines.contains({command, key})) {
      continue;
    }
    const bool flag = option->get_expected_min() == 0;
    for (const auto& value : option->results()) {
      typed.push_back(
          {"--" + key, fmt::format(" --{}{}", key, flag ? "" : ' ' + shell_word(value))});
    }
  }
  return typed;
}

std::string joined(const std::vector<TypedOption>& options) {
  std::string text;
  for (const auto& option : options) {
    text += option.text;
  }
  return text;
}

/// What the options that select and place were given, as they are read: "--vm vm1 (command
/// line)", and of the configuration file "min-gain 20 (irqtune.toml:3)".
std::vector<std::string> given_options(const CLI::App& app,
                                       const ConfigOrigin& config,
                                       const std::vector<std::string>& keys) {
  std::vector<std::string> given;
  for (const auto& key : keys) {
    const auto* option = app.get_option_no_throw("--" + key);
    if (option == nullptr || option->count() == 0) {
      continue;
    }
    const bool flag = option->get_expected_min() == 0;
    const auto line = config.lines.find({app.get_name(), key});
    const auto value = flag ? std::string() : fmt::format(" {}", fmt::join(option->results(), ","));
    given.push_back(line == config.lines.end()
                        ? fmt::format("--{}{} (command line)", key, value)
                        : fmt::format("{}{} ({}:{})", key, value, config.path, line->second));
  }
  return given;
}

/// How irqtune would be called again; with `own_config`, --config is not the default.
void note_typed(const CLI::App& app, bool own_config, Invocation& call) {
  const auto config =
      own_config ? typed_options(app, call.config, "", {"config"}) : std::vector<TypedOption>();
  call.program = "irqtune" +
                 joined(typed_options(app, call.config, "", {"root", "state-dir", "lscpu"})) +
                 joined(config);
  call.typed =
      typed_options(*app.get_subcommands().front(), call.config, call.name, policy_keys(app));
  call.selection = joined(call.typed);
  call.options = given_options(*app.get_subcommands().front(), call.config, policy_keys(app));
  call.typed.insert(call.typed.end(), config.begin(), config.end());
}

ExitCode refuse(std::ostream& err, const std::string& message, const std::string& hint) {
  err << fmt::format(
      "irqtune: {}\n{}", printable(message), hint.empty() ? "" : "hint: " + printable(hint) + '\n');
  return ExitCode::usage;
}

constexpr std::string_view kVersion = "irqtune " IRQTUNE_VERSION;

/// True of `irqtune --version` alone: nothing else has to be known for it.
bool asks_version(int argc, const char* const* argv) {
  const std::string_view only = argc == 2 ? argv[1] : "";
  return only == "--version" || only == "-V";
}

/// True if a word of the command line is the command's name. `check` has the options that others
/// are asked for, see policy_keys().
bool may_be_meant(int argc, const char* const* argv, std::string_view command) {
  return command == "check" || std::find(argv, argv + argc, command) != argv + argc;
}

using Parsed = std::variant<Invocation, ExitCode>;

struct CommandLine {
  int argc = 0;
  const char* const* argv = nullptr;
};

/// With the wanted commands only. A configuration file may name any.
Parsed parse_with(const CommandLine& line,
                  const DefaultConfig& config,
                  const Wanted& wants,
                  std::ostream& out,
                  std::ostream& err) {
  const auto [argc, argv] = line;
  Invocation call;
  CommandOptions options;
  CLI::App app{
      "IRQ affinity tuner for KVM hosts: keeps the interrupts of passed-through devices off\n"
      "the cores where vCPUs run.",
      "irqtune"};
  app.set_version_flag("-V,--version", std::string(kVersion));
  auto* config_option =
      app.set_config("--config", config.path, fmt::format("Options from a file ({})", kConfigPath));
  config_option->type_name("FILE")->check(not_empty());
  app.config_formatter(make_config(app, call.config));
  app.require_subcommand(1);
  app.fallthrough();  // Global options may also follow the subcommand.
  add_options(app, call, options, wants);
  app.footer(
      "Exit codes: 0 done, 1 failed and undone, 2 bad usage, 3 differences, 4 partial, 5 busy.");
  set_up_help(app);
  if (const auto name = option_without_value(argc, argv); !name.empty()) {
    return refuse(err, name + ": no value after =", "see `irqtune --help`");
  }
  if (const auto parted = parted_value(argc, argv)) {
    return refuse(err,
                  fmt::format("{} {}: its value stands behind a =", parted->first, parted->second),
                  fmt::format("write {}={}", parted->first, parted->second));
  }
  try {
    auto arguments = spelled_out(argc, argv);
    std::ranges::reverse(arguments);  // CLI11 takes them from the back.
    app.parse(std::move(arguments));
  } catch (const CLI::Success& success) {
    app.exit(success, out, err);
    return ExitCode::ok;
  } catch (const CLI::ParseError& error) {
    const auto message = parse_message(app, error);
    return refuse(
        err, name_config(message, call.config, command_name(app)), parse_hint(app, message));
  } catch (const Error& error) {
    return refuse(err, error.what(), error.hint());
  }
  if (const auto message = ignored_option(app, call.config); !message.empty()) {
    return refuse(err, message, "see `irqtune " + command_name(app) + " --help`");
  }
  call.name = command_name(app);
  call.arguments.assign(argv, argv + argc);
  note_typed(app, config_option->as<std::string>() != config.path, call);
  if (config.fault && config_option->as<std::string>() == config.path) {
    throw Error(*config.fault);
  }
  return call;
}

}  // namespace

/// First with the commands that are named, since declaring all takes longer than most of them run.
/// What then is no plain call of one of them, is parsed anew with all of them: they are what help
/// lists, and what a mistake may have meant.
Parsed parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  if (asks_version(argc, argv)) {
    out << kVersion << '\n';
    return ExitCode::ok;
  }
  const auto config = default_config(root_argument(argc, argv));
  const auto names_config = [](std::string_view word) { return word.starts_with("--config"); };
  if (config.path.empty() && !config.fault && std::none_of(argv, argv + argc, names_config)) {
    std::ostringstream unseen;
    const auto wants = [&](std::string_view name) { return may_be_meant(argc, argv, name); };
    auto parsed = parse_with({argc, argv}, config, wants, unseen, unseen);
    if (std::holds_alternative<Invocation>(parsed)) {
      return parsed;
    }
  }
  return parse_with(
      {argc, argv}, config, [](std::string_view) { return true; }, out, err);
}

}  // namespace irqtune
