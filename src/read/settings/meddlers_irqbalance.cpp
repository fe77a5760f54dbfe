// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/settings/balance_files.h"
#include "read/settings/balance_socket.h"
#include "read/settings/meddlers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace irqtune {

namespace {

/// What decides whether irqbalance leaves the vectors alone.
struct BalanceOptions {
  std::vector<std::string> banned_modules;
  std::string policy_script;
};

/// An option of irqbalance. Source: irqbalance.c, lopts (1.9.4)
struct Option {
  char letter;
  std::string_view name;
  bool takes_value;
};

constexpr std::array<Option, 13> kOptions = {{{'o', "oneshot", false},
                                              {'d', "debug", false},
                                              {'f', "foreground", false},
                                              {'j', "journal", false},
                                              {'p', "powerthresh", true},
                                              {'i', "banirq", true},
                                              {'m', "banmod", true},
                                              {'l', "policyscript", true},
                                              {'s', "pid", true},
                                              {'c', "deepestcache", true},
                                              {'t', "interval", true},
                                              {'e', "migrateval", true},
                                              {'V', "version", false}}};

/// The option of which `name` is the beginning, of no other one; nullptr if there is none.
const Option* long_option(std::string_view name) {
  const auto* const exact = std::ranges::find(kOptions, name, &Option::name);
  if (exact != kOptions.end()) {
    return exact;
  }
  const auto begins = [&](const Option& option) { return option.name.starts_with(name); };
  const auto* const found = std::ranges::find_if(kOptions, begins);
  return std::ranges::count_if(kOptions, begins) == 1 ? found : nullptr;
}

/// Reads arguments as getopt_long(3) does: bundled letters, shortened names, values with and
/// without a `=` or a blank before them.
class OptionReader {
 public:
  explicit OptionReader(const std::vector<std::string_view>& arguments) : arguments_(arguments) {}

  BalanceOptions read() {
    for (; at_ < arguments_.size() && arguments_[at_] != "--"; ++at_) {
      auto argument = arguments_[at_];
      if (argument.starts_with("--")) {
        argument.remove_prefix(2);
        read_long(argument);
      } else if (argument.starts_with('-')) {
        read_letters(argument.substr(1));
      }
    }
    return std::move(options_);
  }

 private:
  void read_long(std::string_view argument) {
    const bool attached = argument.find('=') != std::string_view::npos;
    const auto* option = long_option(take_until(argument, '='));
    if (option != nullptr && option->takes_value) {
      take(*option, attached ? std::optional(argument) : std::nullopt);
    }
  }

  void read_letters(std::string_view letters) {
    for (std::size_t i = 0; i < letters.size(); ++i) {
      const auto* const option = std::ranges::find(kOptions, letters[i], &Option::letter);
      if (option != kOptions.end() && option->takes_value) {
        const auto rest = letters.substr(i + 1);
        take(*option, rest.empty() ? std::nullopt : std::optional(rest));
        return;
      }
    }
  }

  /// Without a value of its own, the next argument is it.
  void take(const Option& option, std::optional<std::string_view> value) {
    if (!value && at_ + 1 < arguments_.size()) {
      value = arguments_[++at_];
    }
    if (option.name == "banmod" && value) {
      options_.banned_modules.emplace_back(*value);
    } else if (option.name == "policyscript" && value) {
      options_.policy_script = *value;
    }
  }

  const std::vector<std::string_view>& arguments_;
  std::size_t at_ = 0;
  BalanceOptions options_;
};

BalanceOptions parse_options(const std::vector<std::string_view>& arguments) {
  return OptionReader(arguments).read();
}

/// irqbalance bans a device whose driver's name has a --banmod text in it.
bool keeps_off(const Sysfs& sysfs,
               const BalanceOptions& options,
               const std::vector<std::string>& drivers) {
  const auto banned = [&](const std::string& driver) {
    return std::ranges::any_of(options.banned_modules, [&](const std::string& text) {
      return !text.empty() && driver.find(text) != std::string::npos;
    });
  };
  return policy_bans(sysfs, options.policy_script, drivers) ||
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

/// The file in which irqbalance's options are kept: the last one that its unit names, which wins;
/// without a unit, the distribution's.
std::string balance_config(const Sysfs& sysfs) {
  constexpr std::string_view kRedHat = "/etc/sysconfig/irqbalance";
  constexpr std::string_view kDebian = "/etc/default/irqbalance";
  auto named = assigned(balance_unit(sysfs), "EnvironmentFile").value_or("");
  named.erase(0, named.starts_with('-') ? 1 : 0);
  if (named.starts_with('/')) {
    return named;
  }
  return std::string(sysfs.exists(kRedHat) ? kRedHat : kDebian);
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
  // A file's settings win over those of the unit.
  const auto text = environ ? *environ
                            : fmt::format("{}\n{}",
                                          balance_environment(sysfs),
                                          joined_lines(sysfs.read(config).value_or("")));
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

/// What irqbalance reads: digits, commas and ranges, no blanks and no strides.
bool has_only(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

/// Source: irqbalance cputree.c, setup_banned_cpus(). An empty list: up to 1.9.5 as if it were not
/// there, later (Irqbalance/irqbalance#358) nothing is banned. One that it cannot read bans
/// nothing, and is no reason for it to look at isolcpus=.
void add_banned_cpus(const Sysfs& sysfs, const Variables& variables, Meddler& meddler) {
  constexpr std::string_view kMask = "IRQBALANCE_BANNED_CPUS";
  constexpr std::string_view kList = "IRQBALANCE_BANNED_CPULIST";
  if (const auto mask = value_of(variables, kMask); mask && !mask->empty()) {
    const bool readable = has_only(*mask, "0123456789abcdefABCDEF,");
    const auto cpus = readable ? CpuSet::parse_mask(*mask) : std::nullopt;
    meddler.banned_by = kMask;
    meddler.banned_cpus = cpus.value_or(CpuSet{});
    meddler.banned_value = *mask;
    meddler.banned_readable = cpus.has_value();
    return;
  }
  if (const auto list = value_of(variables, kList)) {
    const auto cpus = has_only(*list, "0123456789,-") ? CpuSet::parse_list(*list) : std::nullopt;
    meddler.banned_by = kList;
    meddler.banned_cpus = cpus.value_or(CpuSet{});
    meddler.banned_value = *list;
    meddler.banned_readable = list->empty() || cpus.has_value();
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
  if (const auto command = assigned(balance_unit(sysfs), "ExecStart")) {
    return command->find("$OPTIONS") != std::string::npos ? kOther : kName;
  }
  const bool other = assigned(config_text, kName).value_or("").empty() &&
                     !assigned(config_text, kOther).value_or("").empty();
  return other ? kOther : kName;
}

void add_advice(const Sysfs& sysfs, const std::vector<std::string>& drivers, Meddler& meddler) {
  const auto text = joined_lines(sysfs.read(meddler.config).value_or(""));
  const auto name = arguments_name(sysfs, text);
  const auto old = assigned(text, name).value_or("");
  if (keeps_off(sysfs, parse_options(words(old)), drivers)) {
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

/// What it may move counts, not what it was told: a ban may have come by the socket, or may ban
/// nothing.
void believe_socket(const Sysfs& sysfs, const std::string& sockets, Meddler& meddler) {
  const auto ours = passed_through_irqs(sysfs);
  const auto movable = ours.empty() ? std::nullopt : ask_irqbalance(sockets, meddler.pid);
  if (!movable) {
    return;
  }
  const auto open = std::ranges::count_if(ours, [&](auto irq) { return movable->contains(irq); });
  meddler.would_undo = open > 0;
  meddler.detail +=
      fmt::format("; by its socket it may move {} of {} vfio interrupts", open, ours.size());
}

}  // namespace

std::optional<std::string> assigned(std::string_view text, std::string_view name) {
  std::optional<std::string> value;
  for (auto line : split(text, '\n')) {
    line = trimmed(line);
    if (line.find('=') != std::string_view::npos && trimmed(take_until(line, '=')) == name) {
      value = trimmed(line);
    }
  }
  if (value) {
    std::erase_if(*value, [](char c) { return c == '"' || c == '\''; });
  }
  return value;
}

Meddler read_irqbalance(const Sysfs& sysfs,
                        int pid,
                        const std::vector<std::string>& drivers,
                        const std::string& sockets) {
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
  meddler.would_undo = !keeps_off(sysfs, parse_options(arguments), drivers);
  if (!sockets.empty()) {
    believe_socket(sysfs, sockets, meddler);
  }
  add_banned_cpus(sysfs, variables, meddler);
  if (meddler.would_undo) {
    add_advice(sysfs, drivers, meddler);
  }
  return meddler;
}

}  // namespace irqtune
