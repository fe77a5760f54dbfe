// SPDX-License-Identifier: Apache-2.0
#include "cli/parse/parse_config.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "cli/parse/config_text.h"
#include "cli/support.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <istream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace irqtune {

namespace {

using Names = std::vector<std::string>;

/// The commands that [policy] is for.
constexpr std::array kPlanning = {"plan", "explain", "apply", "check", "diagnose"};

/// An option of the program (command "") or of a command.
struct Target {
  std::string command;
  CLI::Option* option;
};

/// Of another meaning, or with other values, for each command: not in [policy].
constexpr std::array<std::string_view, 2> kOfOneCommand = {"columns", "strict"};

/// Of several that fit the last one wins: typed ones do not replace those of the file.
constexpr std::string_view kInOrder = "vm-policy";

/// The option "--key" that a configuration file may give; null if there is none.
CLI::Option* find_option(CLI::App& app, const std::string& key) {
  auto* option = app.get_option_no_throw("--" + key);
  return option != nullptr && option->get_configurable() ? option : nullptr;
}

/// The names that may stand in a section, for the nearest spelling.
Names keys_of(const CLI::App& app) {
  Names names;
  for (const auto* option : app.get_options()) {
    if (option->get_configurable()) {
      names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
    }
  }
  return names;
}

bool is_of_one_command(std::string_view key) {
  return std::ranges::find(kOfOneCommand, key) != kOfOneCommand.end();
}

bool is_flag(const CLI::Option& option) {
  return option.get_expected_min() == 0;
}

bool takes_several(const CLI::Option& option) {
  return option.get_expected_max() > 1;
}

/// Is it a flag that may have a value, such as --wait-lock=30?
bool has_value(const CLI::Option& option, const std::string& key) {
  return option.get_flag_value(key, "{}") != "true";
}

/// Why a value cannot be; empty if it can.
std::string objection(CLI::Option& option, std::string value) {
  try {
    return (*option.get_validator())(value);
  } catch (const CLI::OptionNotFound&) {  // The option has no validator.
    return {};
  }
}

/// What a flag's value comes to; empty if it is none.
std::string flag_value(const CLI::Option& option,
                       const std::string& key,
                       const std::string& value) {
  if (value == "true" || value == "yes" || value == "on") {
    return option.get_flag_value(key, "{}");  // The number that a flag with a value stands for.
  }
  if (value == "false" || value == "no" || value == "off") {
    return "false";
  }
  const bool counts = key == "verbose" || key == "quiet";  // 2 is -vv.
  const auto number = parse_number<std::uint32_t>(value);
  return has_value(option, key) || (number && (counts || *number <= 1)) ? value : std::string();
}

/// The sections and keys of a configuration file as CLI11 wants them. A section [policy] stands for
/// that of every command that plans; a command's own section wins, wherever in the file it stands,
/// and what was typed wins over both.
class PolicyConfig : public CLI::ConfigTOML {
 public:
  PolicyConfig(CLI::App& app, ConfigOrigin& origin) : app_(app), origin_(origin) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    const auto name = app_.get_config_ptr()->as<std::string>();
    // The default file is opened by its descriptor.
    origin_.path = name.starts_with("/proc/self/fd/") ? kConfigPath : printable(name);
    const auto entries = parse_config_text(limited(input), origin_.path);
    std::vector<CLI::ConfigItem> found;
    add_all(entries, false, found);  // Of two values for an option, CLI11 takes the first.
    add_all(entries, true, found);
    return found;
  }

 private:
  /// Those in the section [policy], or all others.
  void add_all(const std::vector<ConfigEntry>& entries,
               bool common,
               std::vector<CLI::ConfigItem>& out) const {
    std::map<std::pair<std::string, std::string>, std::size_t> seen;
    for (const auto& entry : entries) {
      if ((entry.section == "policy") == common) {
        add(entry, seen[{entry.section, entry.key}], out);
      }
    }
  }

  /// All of the input, which must not be endless.
  std::string limited(std::istream& input) const {
    constexpr std::size_t kLargest = std::size_t{1} << 20;
    std::string text(kLargest + 1, '\0');
    input.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(input.gcount()));
    if (input.bad()) {
      throw Error(ErrorKind::usage, origin_.path + ": cannot read it; is it a file?");
    }
    if (text.find('\0') != std::string::npos) {
      throw Error(ErrorKind::usage,
                  origin_.path + ": not a text file",
                  "a configuration file has lines like: avoid = \"0-1\" (irqtune.toml(5))");
    }
    if (text.size() > kLargest) {
      throw Error(ErrorKind::usage, origin_.path + ": larger than 1 MiB");
    }
    return text;
  }

  [[noreturn]] void fail(const ConfigEntry& entry,
                         const std::string& what,
                         const std::string& hint) const {
    throw Error(ErrorKind::usage,
                fmt::format("{}:{}: {}: {}", origin_.path, entry.line, printable(entry.key), what),
                hint);
  }

  /// `earlier`: the line that gave the same key, 0 if none did.
  void add(const ConfigEntry& entry,
           std::size_t& earlier,
           std::vector<CLI::ConfigItem>& out) const {
    const auto targets = targets_of(entry);
    if (targets.empty()) {
      fail_unknown(entry);
    }
    const CLI::Option& option = *targets.front().option;
    if (earlier != 0 && !takes_several(option)) {
      fail(entry, fmt::format("stands in line {} already", earlier), "remove one of them");
    }
    earlier = entry.line;
    const auto values = checked_values(entry, option);
    check_values(entry, values, *targets.front().option);
    for (const auto& target : targets) {
      if (values.empty() && takes_several(option)) {
        emptied_.insert({target.command, entry.key});
      } else if (emptied_.contains({target.command, entry.key})) {
        continue;
      }
      if (target.option->count() == 0 && !values.empty()) {  // Else it was typed, or is off.
        origin_.lines.try_emplace({target.command, entry.key}, entry.line);
        add_item(target, entry.key, values, out);
      } else if (entry.key == kInOrder) {
        put_before_typed(*target.option, values);
      }
    }
  }

  /// Whichever command runs: a wrong value must not wait for the one that it is for.
  void check_values(const ConfigEntry& entry, const Names& values, CLI::Option& option) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto place = entry;  // Each value of an array has a line of its own.
      place.line = i < entry.lines.size() ? entry.lines[i] : entry.line;
      const auto what = takes_several(option) && trimmed(values[i]).empty()
                            ? std::string("is empty")
                            : objection(option, values[i]);
      if (!what.empty()) {
        fail(place, what, fmt::format("see irqtune(8), --{}", entry.key));
      }
      try {
        check_policy_value(entry.key, values[i]);
      } catch (const Error& error) {
        const std::string_view message = error.what();
        throw Error(ErrorKind::usage,
                    fmt::format("{}:{}: {}", origin_.path, place.line, message.substr(2)),
                    error.hint());
      }
    }
  }

  /// Of what holds in the order in which it is given, the file's comes before what was typed.
  void put_before_typed(CLI::Option& option, const Names& values) const {
    auto all = option.results();
    auto& known = before_typed_[&option];
    all.insert(all.begin() + static_cast<std::ptrdiff_t>(known), values.begin(), values.end());
    known += values.size();
    option.clear();
    for (auto& value : all) {
      option.add_result(std::move(value));
    }
  }

  /// CLI11 takes the first item for an option, and no second one.
  static void add_item(const Target& target,
                       const std::string& key,
                       const Names& values,
                       std::vector<CLI::ConfigItem>& out) {
    const auto parents = target.command.empty() ? Names{} : Names{target.command};
    const auto same = std::ranges::find_if(out, [&](const CLI::ConfigItem& item) {
      return item.name == key && item.parents == parents;
    });
    if (same == out.end()) {
      auto& item = out.emplace_back();
      item.parents = parents;
      item.name = key;
      item.inputs = values;
    } else if (takes_several(*target.option)) {
      same->inputs.insert(same->inputs.end(), values.begin(), values.end());
    }
  }

  [[nodiscard]] CLI::App* find_command(const std::string& name) const {
    const auto commands = app_.get_subcommands({});
    const auto found = std::ranges::find_if(
        commands, [&](const CLI::App* command) { return command->get_name() == name; });
    return found != commands.end() ? *found : nullptr;
  }

  [[nodiscard]] std::vector<Target> targets_of(const ConfigEntry& entry) const {
    std::vector<Target> targets;
    const auto add_target = [&](const std::string& command, CLI::App& app) {
      if (auto* option = find_option(app, entry.key)) {
        targets.push_back({command, option});
      }
    };
    if (entry.section.empty() || entry.section == "default") {
      add_target("", app_);
    } else if (entry.section == "policy" && !is_of_one_command(entry.key)) {
      for (const auto* command : kPlanning) {
        add_target(command, *app_.get_subcommand(command));
      }
    } else if (auto* command = find_command(entry.section)) {
      add_target(entry.section, *command);
    }
    return targets;
  }

  [[noreturn]] void fail_unknown(const ConfigEntry& entry) const {
    Names sections{"policy"};
    for (const auto* command : app_.get_subcommands({})) {
      sections.push_back(command->get_name());
    }
    if (!entry.section.empty() && std::ranges::find(sections, entry.section) == sections.end()) {
      fail({entry.section, fmt::format("[{}]", entry.section), {}, false, entry.line},
           "no such section",
           fmt::format("the sections are {}", fmt::join(sections, ", ")));
    }
    const auto& app =
        entry.section.empty()
            ? app_
            : *app_.get_subcommand(entry.section == "policy" ? kPlanning.front() : entry.section);
    const auto nearest = nearest_name(entry.key, keys_of(app));
    const auto where =
        entry.section.empty() ? "before the first section" : fmt::format("in [{}]", entry.section);
    fail(entry,
         fmt::format("no such key {}", where),
         !nearest.empty() && nearest != entry.key && entry.key != "root"
             ? fmt::format("did you mean {}?", nearest)
             : home_of(entry.key));
  }

  /// Where a key would be right.
  [[nodiscard]] std::string home_of(const std::string& key) const {
    if (key == "root") {
      return "give --root on the command line: this file is looked for below it";
    }
    if (find_option(app_, key) != nullptr) {
      return fmt::format("{} belongs before the first section", key);
    }
    if (!is_of_one_command(key) && find_option(*app_.get_subcommand("check"), key) != nullptr) {
      return fmt::format("{} belongs in [policy]", key);
    }
    for (auto* command : app_.get_subcommands({})) {
      if (find_option(*command, key) != nullptr) {
        return fmt::format("{} belongs in [{}]", key, command->get_name());
      }
    }
    return "the keys are the long names of options, without --";
  }

  /// The values for CLI11. Fails if there is none, one too many, or one that cannot be.
  [[nodiscard]] Names checked_values(const ConfigEntry& entry, const CLI::Option& option) const {
    auto values = entry.values;
    if (entry.bare && takes_several(option)) {  // CLI11's own format has such lists.
      values.clear();
      for (const auto value : split(entry.values.front(), ',')) {
        values.emplace_back(trimmed(value));
      }
    }
    if (values.empty() && takes_several(option)) {
      return values;  // No restriction.
    }
    if (values.empty() || (values.size() > 1 && !takes_several(option))) {
      fail(entry, fmt::format("takes one value, not {}", values.size()), "write it as one string");
    }
    if (is_flag(option)) {
      const auto value = flag_value(option, entry.key, values.front());
      if (value.empty()) {
        fail(entry, fmt::format("{}: neither true nor false", printable(values.front())), "");
      }
      values = {value};
      if (value == "false" && has_value(option, entry.key)) {
        values.clear();
      }
    }
    return values;
  }

  CLI::App& app_;
  ConfigOrigin& origin_;
  // CLI11 reads a configuration by a const function.
  mutable std::map<const CLI::Option*, std::size_t>
      before_typed_;  // How many of the file's it has.
  mutable std::set<std::pair<std::string, std::string>>
      emptied_;  // Command and key of "key = []": a command's own beats that of [policy].
};

}  // namespace

std::shared_ptr<CLI::Config> make_config(CLI::App& app, ConfigOrigin& origin) {
  return std::make_shared<PolicyConfig>(app, origin);
}

std::string name_config(const std::string& message,
                        const ConfigOrigin& origin,
                        const std::string& command) {
  const auto at = message.starts_with("--") ? 0 : message.find(" --");
  if (at == std::string::npos) {
    return message;
  }
  const auto from = message.find("--", at) + 2;
  const auto key = message.substr(from, message.find_first_of(" :=", from) - from);
  auto line = origin.lines.find({command, key});
  line = line != origin.lines.end() ? line : origin.lines.find({"", key});
  return line == origin.lines.end()
             ? message
             : fmt::format("{}:{}: {}", origin.path, line->second, message.substr(at == 0 ? 2 : 0));
}

}  // namespace irqtune
