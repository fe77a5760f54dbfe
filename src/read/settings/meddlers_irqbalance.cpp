// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/settings/meddlers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace irqtune {

namespace {

/// What decides whether irqbalance leaves the vectors alone.
struct BalanceOptions {
  std::vector<std::string> banned_modules;
  std::string policy_script;
};

/// The value of option `letter`/`name` at `arguments[i]`; takes the next argument if it is there.
std::optional<std::string> option_value(const std::vector<std::string_view>& arguments,
                                        std::size_t i,
                                        std::string_view letter,
                                        std::string_view name) {
  const auto argument = arguments[i];
  const bool separate = argument == letter || argument == name;
  if (separate && i + 1 < arguments.size()) {
    return std::string(arguments[i + 1]);
  }
  if (argument.starts_with(name) && argument.substr(name.size()).starts_with('=')) {
    return std::string(argument.substr(name.size() + 1));
  }
  const bool attached =
      argument.starts_with(letter) && !argument.starts_with("--") && argument.size() > 2;
  return attached ? std::optional(std::string(argument.substr(letter.size()))) : std::nullopt;
}

BalanceOptions parse_options(const std::vector<std::string_view>& arguments) {
  BalanceOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (auto module = option_value(arguments, i, "-m", "--banmod")) {
      options.banned_modules.push_back(*std::move(module));
    }
    if (auto script = option_value(arguments, i, "-l", "--policyscript")) {
      options.policy_script = *std::move(script);
    }
  }
  return options;
}

/// irqbalance bans a device whose driver's name has a --banmod text in it.
bool keeps_off(const BalanceOptions& options, const std::vector<std::string>& drivers) {
  const auto banned = [&](const std::string& driver) {
    return std::ranges::any_of(options.banned_modules, [&](const std::string& text) {
      return !text.empty() && driver.find(text) != std::string::npos;
    });
  };
  return !options.policy_script.empty() ||
         (!drivers.empty() && std::ranges::all_of(drivers, banned));
}

/// Text that is part of every driver's name, for one --banmod; else each name by itself.
std::string ban_arguments(const std::vector<std::string>& drivers) {
  const auto has_vfio = [](const std::string& driver) {
    return driver.find("vfio") != std::string::npos;
  };
  if (std::ranges::all_of(drivers, has_vfio)) {
    return "--banmod=vfio";
  }
  auto names = drivers;
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return fmt::format("--banmod={}", fmt::join(names, " --banmod="));
}

/// The file in which the distribution keeps irqbalance's options.
std::string_view balance_config(const Sysfs& sysfs) {
  constexpr std::string_view kRedHat = "/etc/sysconfig/irqbalance";
  constexpr std::string_view kDebian = "/etc/default/irqbalance";
  return sysfs.exists(kRedHat) ? kRedHat : kDebian;
}

std::string proc_path(int pid, std::string_view name) {
  return fmt::format("/proc/{}/{}", pid, name);
}

/// NUL-separated words of cmdline or environ.
std::vector<std::string_view> nul_words(std::string_view text) {
  return split(trimmed(text), '\0');
}

/// The variables that irqbalance was started with; from its configuration where the process does
/// not show them, as in a snapshot.
struct Variables {
  std::vector<std::string> set;  ///< "IRQBALANCE_BANNED_CPULIST=2-7"
  bool from_config = false;
};

Variables variables_of(const Sysfs& sysfs, int pid, std::string_view config) {
  constexpr std::string_view kPrefix = "IRQBALANCE_";
  Variables variables;
  const auto environ = sysfs.read(proc_path(pid, "environ"));
  variables.from_config = !environ;
  const auto text = environ ? *environ : sysfs.read(config).value_or("");
  for (const auto word : split(text, environ ? '\0' : '\n')) {
    if (trimmed(word).starts_with(kPrefix)) {
      variables.set.emplace_back(trimmed(word));
    }
  }
  return variables;
}

std::optional<std::string> value_of(const Variables& variables, std::string_view name) {
  return assigned(fmt::format("{}", fmt::join(variables.set, "\n")), name);
}

/// Source: irqbalance cputree.c, setup_banned_cpus(). An empty list: up to 1.9.5 as if it were not
/// there, later (Irqbalance/irqbalance#358) nothing is banned.
void add_banned_cpus(const Sysfs& sysfs, const Variables& variables, Meddler& meddler) {
  constexpr std::string_view kMask = "IRQBALANCE_BANNED_CPUS";
  constexpr std::string_view kList = "IRQBALANCE_BANNED_CPULIST";
  if (const auto mask = value_of(variables, kMask); mask && !mask->empty()) {
    meddler.banned_by = kMask;
    meddler.banned_cpus = CpuSet::parse_mask(*mask).value_or(CpuSet{});
    return;
  }
  if (const auto list = value_of(variables, kList)) {
    meddler.banned_by = kList;
    meddler.banned_cpus = CpuSet::parse_list(*list).value_or(CpuSet{});
    return;
  }
  for (const std::string_view name : {"isolated", "nohz_full"}) {
    const auto text = sysfs.read(fmt::format("/sys/devices/system/cpu/{}", name)).value_or("");
    meddler.banned_cpus |= CpuSet::parse_list(text).value_or(CpuSet{});
  }
}

/// The variable from which irqbalance is given its options: what its unit says; without a unit,
/// what its configuration sets.
std::string_view arguments_name(const Sysfs& sysfs, std::string_view config_text) {
  constexpr std::string_view kName = "IRQBALANCE_ARGS";
  constexpr std::string_view kOther = "OPTIONS";
  for (const std::string_view folder : {"/etc", "/usr/lib", "/lib"}) {
    const auto unit = sysfs.read(fmt::format("{}/systemd/system/irqbalance.service", folder));
    const auto command = assigned(unit.value_or(""), "ExecStart");
    if (command) {
      return command->find("$OPTIONS") != std::string::npos ? kOther : kName;
    }
  }
  const bool other = assigned(config_text, kName).value_or("").empty() &&
                     !assigned(config_text, kOther).value_or("").empty();
  return other ? kOther : kName;
}

void add_advice(const Sysfs& sysfs, const std::vector<std::string>& drivers, Meddler& meddler) {
  const auto text = sysfs.read(meddler.config).value_or("");
  const auto name = arguments_name(sysfs, text);
  const auto old = assigned(text, name).value_or("");
  if (keeps_off(parse_options(words(old)), drivers)) {
    meddler.advice = {
        fmt::format("irqbalance (PID {}) runs without what {} says: systemctl restart irqbalance",
                    meddler.pid,
                    meddler.config)};
    return;
  }
  meddler.advice = {
      fmt::format("irqbalance (PID {}) will move these vectors. To keep it off them, in {}:",
                  meddler.pid,
                  meddler.config),
      fmt::format(
          "{}=\"{}\"", name, trimmed(fmt::format("{} {}", printable(old), ban_arguments(drivers)))),
      "systemctl restart irqbalance"};
}

bool is_quote(char c) {
  return c == '"' || c == '\'';
}

}  // namespace

std::optional<std::string> assigned(std::string_view text, std::string_view name) {
  std::optional<std::string> value;
  for (auto line : split(text, '\n')) {
    line = trimmed(line);
    if (line.find('=') != std::string_view::npos && trimmed(take_until(line, '=')) == name) {
      value = trimmed(line);
      std::erase_if(*value, is_quote);
    }
  }
  return value;
}

Meddler read_irqbalance(const Sysfs& sysfs, int pid, const std::vector<std::string>& drivers) {
  const auto cmdline = sysfs.read(proc_path(pid, "cmdline")).value_or("");
  const auto arguments = nul_words(cmdline);
  Meddler meddler;
  meddler.name = "irqbalance";
  meddler.pid = pid;
  meddler.config = balance_config(sysfs);
  const auto variables = variables_of(sysfs, pid, meddler.config);
  meddler.detail = fmt::format("{}", fmt::join(arguments, " "));
  if (!variables.from_config && !variables.set.empty()) {
    meddler.detail += fmt::format(" {}", fmt::join(variables.set, " "));
  }
  meddler.detail = printable(trimmed(meddler.detail));
  meddler.would_undo = !keeps_off(parse_options(arguments), drivers);
  add_banned_cpus(sysfs, variables, meddler);
  if (meddler.would_undo) {
    add_advice(sysfs, drivers, meddler);
  }
  return meddler;
}

}  // namespace irqtune
