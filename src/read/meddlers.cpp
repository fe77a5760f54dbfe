// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/meddlers.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

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

/// The value of `NAME=value` or `NAME="value"` in a shell-like file; the last one counts.
std::string assigned(std::string_view text, std::string_view name) {
  std::string value;
  for (auto line : split(text, '\n')) {
    line = trimmed(line);
    if (trimmed(take_until(line, '=')) == name) {
      value = trimmed(line);
    }
  }
  std::erase_if(value, [](char c) { return c == '"' || c == '\''; });
  return value;
}

std::string proc_path(int pid, std::string_view name) {
  return fmt::format("/proc/{}/{}", pid, name);
}

/// NUL-separated words of cmdline or environ.
std::vector<std::string_view> nul_words(std::string_view text) {
  return split(trimmed(text), '\0');
}

Meddler irqbalance(const Sysfs& sysfs, int pid, const std::vector<std::string>& drivers) {
  const auto cmdline = sysfs.read(proc_path(pid, "cmdline")).value_or("");
  const auto environ = sysfs.read(proc_path(pid, "environ")).value_or("");
  auto arguments = nul_words(cmdline);
  Meddler meddler{"irqbalance", pid, fmt::format("{}", fmt::join(arguments, " ")), true, {}};
  for (const auto variable : nul_words(environ)) {
    if (variable.starts_with("IRQBALANCE_")) {
      meddler.detail += fmt::format(" {}", variable);
    }
  }
  meddler.detail = printable(trimmed(meddler.detail));
  meddler.would_undo = !keeps_off(parse_options(arguments), drivers);
  if (!meddler.would_undo) {
    return meddler;
  }
  const auto config = balance_config(sysfs);
  const auto text = sysfs.read(config).value_or("");
  const bool older =
      assigned(text, "IRQBALANCE_ARGS").empty() && !assigned(text, "OPTIONS").empty();
  const std::string_view name = older ? "OPTIONS" : "IRQBALANCE_ARGS";
  const auto old = assigned(text, name);
  if (keeps_off(parse_options(words(old)), drivers)) {
    meddler.advice = {
        fmt::format("irqbalance (PID {}) runs without what {} says: systemctl restart irqbalance",
                    pid,
                    config)};
    return meddler;
  }
  meddler.advice = {
      fmt::format(
          "irqbalance (PID {}) will move these vectors. To keep it off them, in {}:", pid, config),
      fmt::format(
          "{}=\"{}\"", name, trimmed(fmt::format("{} {}", printable(old), ban_arguments(drivers)))),
      "systemctl restart irqbalance"};
  return meddler;
}

/// The file of a TuneD profile; where administrators put theirs comes first.
std::string profile_text(const Sysfs& sysfs, std::string_view profile) {
  constexpr std::array kDirs = {
      "/etc/tuned/profiles", "/etc/tuned", "/usr/lib/tuned/profiles", "/usr/lib/tuned"};
  for (const std::string_view dir : kDirs) {
    if (auto text = sysfs.read(fmt::format("{}/{}/tuned.conf", dir, profile))) {
      return *std::move(text);
    }
  }
  return {};
}

/// What a profile and those it includes say of interrupts; a later line wins, as in TuneD.
struct TunedIrqs {
  bool isolates = false;  ///< [scheduler] isolated_cores
  bool process = true;    ///< [scheduler] irq_process
  bool plugin = false;    ///< An [irq] section
};

void read_profile(const Sysfs& sysfs, std::string_view profile, int depth, TunedIrqs& irqs) {
  constexpr int kDeepest = 10;
  const auto text = profile_text(sysfs, profile);
  if (depth > kDeepest || profile.find('/') != std::string_view::npos) {
    return;
  }
  auto parents = assigned(text, "include");
  std::ranges::replace(parents, ',', ' ');
  for (const auto parent : words(parents)) {
    read_profile(sysfs, parent, depth + 1, irqs);
  }
  irqs.isolates = irqs.isolates || !assigned(text, "isolated_cores").empty();
  irqs.plugin =
      irqs.plugin || text.find("[irq]") != std::string::npos || assigned(text, "type") == "irq";
  const auto process = assigned(text, "irq_process");
  if (!process.empty()) {
    irqs.process = process == "true" || process == "1" || process == "yes";
  }
}

Meddler tuned(const Sysfs& sysfs, int pid) {
  const auto active = sysfs.read("/etc/tuned/active_profile").value_or("");
  TunedIrqs irqs;
  for (const auto profile : words(active)) {
    read_profile(sysfs, profile, 0, irqs);
  }
  Meddler meddler{"tuned", pid, fmt::format("profile {}", printable(trimmed(active))), false, {}};
  meddler.would_undo = irqs.plugin || (irqs.isolates && irqs.process);
  if (meddler.would_undo) {
    meddler.advice = {
        fmt::format("TuneD (PID {}, {}) sets interrupt affinities whenever its profile is applied. "
                    "To keep it off them, in /etc/tuned/irqtune/tuned.conf:",
                    pid,
                    meddler.detail),
        "[main]",
        fmt::format("include={}", printable(trimmed(active))),
        "[scheduler]",
        "irq_process=false",
        "default_irq_smp_affinity=ignore",
        "tuned-adm profile irqtune"};
    if (irqs.plugin) {
      meddler.advice.insert(meddler.advice.end() - 1, {"[irq]", "enabled=false"});
    }
  }
  return meddler;
}

}  // namespace

std::vector<Meddler> find_meddlers(const Sysfs& sysfs, const std::vector<std::string>& drivers) {
  std::vector<Meddler> found;
  for (const auto& name : sysfs.list("/proc")) {
    const auto pid = parse_number<int>(name);
    const auto comm = pid ? sysfs.read(proc_path(*pid, "comm")) : std::nullopt;
    if (comm == "irqbalance") {
      found.push_back(irqbalance(sysfs, *pid, drivers));
    } else if (comm == "tuned") {
      found.push_back(tuned(sysfs, *pid));
    }
  }
  std::ranges::sort(found, {}, &Meddler::pid);
  return found;
}

}  // namespace irqtune
