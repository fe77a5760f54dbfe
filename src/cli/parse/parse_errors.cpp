// SPDX-License-Identifier: Apache-2.0
#include "cli/parse/parse_errors.h"

#include "irqtune/core/text.h"

#include "sys/input_file.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace irqtune {

namespace {

/// An option of a command that says something only beside one of two others.
struct Need {
  std::string_view command;
  std::string_view option;
  std::array<std::string_view, 2> needed;  ///< The second may be empty.
};

constexpr std::array kNeeds = {Need{"apply", "timeout", {"wait-stable", "wait-for"}},
                               Need{"diagnose", "shared-count", {"esx", ""}},
                               Need{"watch", "keep-default", {"default-affinity", ""}}};

/// What an ESX host's files may be looked at with.
constexpr std::array<std::string_view, 8> kWithEsx = {
    "esx", "esx-console", "shared-count", "against", "fail-on", "only", "skip", "help"};

/// The first word that is neither a command nor an option, where a command should stand; empty if
/// there is none.
std::string unknown_command(const CLI::App& app) {
  const auto rest = app.remaining();
  const auto word =
      std::ranges::find_if(rest, [](const auto& text) { return !text.starts_with('-'); });
  return app.get_subcommands().empty() && word != rest.end() ? *word : std::string();
}

/// The chosen command, else the program itself.
const CLI::App& chosen(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return commands.empty() ? app : *commands.front();
}

/// The first word that nothing took; empty if there is none.
std::string leftover(const CLI::App& app) {
  const auto rest = app.remaining(true);
  return rest.empty() ? std::string() : rest.front();
}

void add_option_names(const CLI::App& app, std::vector<std::string>& names) {
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
}

/// The options that may stand where the command line is wrong.
std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  add_option_names(app, names);
  add_option_names(chosen(app), names);
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  return names;
}

/// Is the word an option of the command behind it? Only global options may stand there.
bool stands_too_early(const CLI::App& app, const std::string& word) {
  const auto& command = chosen(app);
  const auto name = word.substr(0, word.find('='));
  return &command != &app && name.starts_with("--") && command.get_option_no_throw(name) != nullptr;
}

/// CLI11 puts some messages on several lines.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return printable(trimmed(text));
}

/// "target is required" -> "explain: WHAT: missing"
std::string missing_message(const CLI::App& app, std::string_view text) {
  const auto& command = chosen(app);
  if (&command == &app) {
    return "no command given";
  }
  const auto name = std::string(take_until(text, ' '));
  const auto* option = command.get_option_no_throw(name);
  const auto type = option != nullptr ? option->get_type_name() : std::string();
  const auto what = option == nullptr || option->get_positional()
                        ? (type.empty() ? name : type)
                        : fmt::format("{} {}", name, type);
  return fmt::format("{}: {}: missing", command.get_name(), what);
}

/// For a value that has no option's name: "plan: is empty" -> "apply: PLAN.json: is empty", and
/// "section: x: none of y" -> "show: x: none of y".
std::string invalid_message(const CLI::App& app, const std::string& text) {
  const auto& command = chosen(app);
  const auto name = text.substr(0, text.find(':'));
  const auto* option = command.get_option_no_throw(name);
  if (option == nullptr || !option->get_positional()) {
    return text;
  }
  const auto why = text.substr(name.size());
  return command.get_name() + (why == ": is empty" ? ": " + option->get_type_name() : "") + why;
}

std::string leftover_message(const CLI::App& app) {
  if (const auto word = unknown_command(app); !word.empty()) {
    return fmt::format("{}: no such command", printable(word));
  }
  const auto& command = chosen(app);
  const auto word = leftover(app);
  if (stands_too_early(app, word)) {
    return fmt::format("{}: stands before the command", printable(word));
  }
  const auto of = &command == &app ? std::string() : command.get_name() + ": ";
  return word.starts_with('-') ? fmt::format("{}{}: no such option", of, printable(word))
                               : fmt::format("{}{}: one word too many", of, printable(word));
}

/// "Could not convert: --keep = x" -> "--keep: x: not a number"
std::string conversion_message(std::string_view text) {
  constexpr std::string_view kPrefix = "Could not convert: ";
  constexpr std::string_view kEquals = " = ";
  const auto equals = text.find(kEquals);
  if (!text.starts_with(kPrefix) || equals == std::string_view::npos) {
    return std::string(text);
  }
  return fmt::format("{}: {}: not a number in range",
                     text.substr(kPrefix.size(), equals - kPrefix.size()),
                     text.substr(equals + kEquals.size()));
}

/// "--scope: 1 required SCOPE missing" -> "--scope: no SCOPE given"; of two, "given twice"
std::string mismatch_message(const CLI::App& app, std::string_view text) {
  const auto name = std::string(text.substr(0, text.find(':')));
  const auto* option = chosen(app).get_option_no_throw(name);
  option = option != nullptr ? option : app.get_option_no_throw(name);
  if (option == nullptr || text.find("required") == std::string_view::npos) {
    return std::string(text);
  }
  // Where there are too many values, CLI11 counts how many it asks for and how many it got.
  return option->count() > 1 ? fmt::format("{}: given more than once", name)
                             : fmt::format("{}: no {} given", name, option->get_type_name());
}

/// "--esx-console requires --esx" -> "diagnose: --esx-console: says nothing without --esx"
std::string needs_message(const CLI::App& app, std::string_view text) {
  constexpr std::string_view kRequires = " requires ";
  const auto at = text.find(kRequires);
  return at == std::string_view::npos ? std::string(text)
                                      : fmt::format("{}: {}: says nothing without {}",
                                                    command_name(app),
                                                    text.substr(0, at),
                                                    text.substr(at + kRequires.size()));
}

/// "--color: plan: none of auto, always, never": the option took the command for its value.
std::string taken_command_hint(const CLI::App& app, const std::string& message) {
  const auto parts = split(message, ':');
  if (parts.size() < 3 || !parts[2].starts_with(" none of ")) {
    return {};
  }
  const std::string word(trimmed(parts[1]));
  const auto names = command_names(app);
  return std::ranges::find(names, word) == names.end()
             ? std::string()
             : fmt::format("{0} needs a value, and took the command for it: write {0}={1} {2}",
                           parts[0],
                           parts[2].substr(9, parts[2].find(',') - 9),
                           word);
}

/// CLI11's own message names the file twice and says no more.
std::string config_file_message(const CLI::App& app) {
  const auto name = app.get_config_ptr()->as<std::string>();
  const auto error = read_input_file(name, 1).error;
  return fmt::format("--config {}: cannot read it{}",
                     printable(name),
                     error ? ": " + error.message() : std::string());
}

}  // namespace

std::string parse_message(const CLI::App& app, const CLI::ParseError& error) {
  auto text = one_line(error.what());
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr || !unknown_command(app).empty()) {
    return leftover_message(app);
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    return missing_message(app, text);
  }
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    return conversion_message(text);
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return mismatch_message(app, text);
  }
  if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr) {
    return invalid_message(app, text);
  }
  if (dynamic_cast<const CLI::FileError*>(&error) != nullptr) {
    return config_file_message(app);
  }
  if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    return fmt::format("{}: a plan and --repair: only one of them", command_name(app));
  }
  if (dynamic_cast<const CLI::RequiresError*>(&error) != nullptr) {
    return needs_message(app, text);
  }
  return text;
}

std::string parse_hint(const CLI::App& app, const std::string& message) {
  if (auto hint = taken_command_hint(app, message); !hint.empty()) {
    return hint;
  }
  const auto command = unknown_command(app);
  const auto word = leftover(app);
  const auto names = command.empty() ? option_names(app) : command_names(app);
  const auto option = word.substr(0, word.find('='));
  if (stands_too_early(app, word)) {
    return fmt::format("write `irqtune {} {} ...`", chosen(app).get_name(), option);
  }
  const auto nearest = nearest_name(command.empty() ? option : command, names);
  if (!nearest.empty() && (!command.empty() || option.starts_with("--"))) {
    return fmt::format("did you mean {}?", nearest);
  }
  const auto& used = chosen(app);
  return &used == &app
             ? fmt::format("one of {}; see `irqtune --help`", fmt::join(command_names(app), ", "))
             : fmt::format("see `irqtune {} --help`", used.get_name());
}

std::string ignored_option(const CLI::App& app, const ConfigOrigin& origin) {
  const auto& command = chosen(app);
  const auto is_given = [&](std::string_view name) {
    const auto* option = command.get_option_no_throw(fmt::format("--{}", name));
    return option != nullptr && option->count() > 0;
  };
  const auto is_typed = [&](std::string_view name) {
    return is_given(name) && !origin.lines.contains({command.get_name(), std::string(name)});
  };
  for (const auto& [of, name, needed] : kNeeds) {
    if (of == command.get_name() && is_typed(name) && std::ranges::none_of(needed, is_given)) {
      return fmt::format("{}: --{}: says nothing without --{}", of, name, needed.front());
    }
  }
  for (const auto* option : command.get_options()) {
    const auto& names = option->get_lnames();
    const auto name = names.empty() ? std::string("help") : names.front();
    const bool esx_too = std::ranges::find(kWithEsx, name) != kWithEsx.end();
    if (is_given("esx") && !esx_too && is_typed(name)) {
      return fmt::format("{}: --{}: says nothing with --esx", command.get_name(), name);
    }
  }
  return {};
}

std::string command_name(const CLI::App& app) {
  const auto& command = chosen(app);
  return &command == &app ? std::string() : command.get_name();
}

}  // namespace irqtune
