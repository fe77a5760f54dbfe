// SPDX-License-Identifier: Apache-2.0
#include "read/settings/balance_files.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string_view>

namespace irqtune {

namespace {

bool is_quote(char c) {
  return c == '"' || c == '\'';
}

/// Where units lie, the first before the others. Source: systemd.unit(5)
constexpr std::array<std::string_view, 4> kUnitFolders = {"/etc", "/run", "/usr/lib", "/lib"};

/// The script without its comments, in small letters: irqbalance compares without regard to case.
std::string code_of(std::string_view text) {
  std::string code;
  for (const auto line : split(text, '\n')) {
    if (!trimmed(line).starts_with('#')) {
      code += lower_ascii(line) + '\n';
    }
  }
  return code;
}

/// True if what the script prints depends on the device that it is asked of.
bool has_condition(std::string_view code) {
  constexpr std::array<std::string_view, 8> kWords = {
      "if", "case", "&&", "||", "[", "[[", "test", "grep"};
  const auto all = words(code);
  return std::ranges::any_of(
      all, [&](std::string_view word) { return std::ranges::find(kWords, word) != kWords.end(); });
}

/// True if the policy script is there, may be run, and says `ban=true` of these drivers' devices:
/// only that bans. One that asks before it says so bans what it names: vfio, or the drivers.
/// irqbalance starts without a word where it cannot run it. Source: irqbalance classify.c,
/// run_script_for_policy(); seen with 1.9.4
bool bans_by_script(const Sysfs& sysfs,
                    const std::string& path,
                    const std::vector<std::string>& drivers) {
  constexpr std::uint32_t kExecute = 0111;
  const auto file = sysfs.read_file(path);
  if (!file.text || (file.mode & kExecute) == 0) {
    return false;
  }
  const auto code = code_of(*file.text);
  const auto names = [&](std::string_view name) { return code.find(name) != std::string::npos; };
  return names("ban=true") && (!has_condition(code) || names("vfio") ||
                               (!drivers.empty() && std::ranges::all_of(drivers, names)));
}

}  // namespace

std::string joined_lines(std::string text) {
  for (auto at = text.find("\\\n"); at != std::string::npos; at = text.find("\\\n", at)) {
    text.replace(at, 2, " ");
  }
  return text;
}

std::string balance_unit(const Sysfs& sysfs) {
  constexpr std::string_view kUnit = "systemd/system/irqbalance.service";
  std::string text;
  std::map<std::string, std::string> drop_ins;
  for (const auto folder : kUnitFolders) {
    const auto unit = fmt::format("{}/{}", folder, kUnit);
    if (text.empty()) {
      text = sysfs.read(unit).value_or("");
    }
    auto names = sysfs.list(unit + ".d");
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".conf"); });
    for (const auto& name : names) {
      drop_ins.try_emplace(name, fmt::format("{}.d/{}", unit, name));
    }
  }
  for (const auto& [name, path] : drop_ins) {
    text += '\n' + sysfs.read(path).value_or("");
  }
  return joined_lines(std::move(text));
}

std::string balance_environment(const Sysfs& sysfs) {
  constexpr std::string_view kName = "Environment=";
  std::string variables;
  const auto unit = balance_unit(sysfs);
  for (auto line : split(unit, '\n')) {
    line = trimmed(line);
    if (!line.starts_with(kName)) {
      continue;
    }
    auto rest = line.substr(kName.size());
    while (!trimmed(rest).empty()) {
      rest = trimmed(rest);
      const bool quoted = is_quote(rest.front());
      const char end = quoted ? rest.front() : ' ';
      rest.remove_prefix(quoted ? 1 : 0);
      variables += fmt::format("{}\n", take_until(rest, end));
    }
  }
  return variables;
}

bool policy_bans(const Sysfs& sysfs,
                 const std::string& path,
                 const std::vector<std::string>& drivers) {
  if (path.empty()) {
    return false;
  }
  const auto files = sysfs.list(path);
  return bans_by_script(sysfs, path, drivers) ||
         std::ranges::any_of(files, [&](const std::string& name) {
           return bans_by_script(sysfs, fmt::format("{}/{}", path, name), drivers);
         });
}

}  // namespace irqtune
