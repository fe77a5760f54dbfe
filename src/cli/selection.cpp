// SPDX-License-Identifier: Apache-2.0
#include "cli/selection.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "cli/parse/parse_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <variant>
#include <vector>

namespace irqtune {

namespace {

std::vector<std::string> vm_names(const Host& host) {
  std::vector<std::string> names;
  for (const auto& vm : host.vms) {
    names.push_back(vm.name);
  }
  return names;
}

/// Of the devices whose interrupts are in scope.
std::vector<std::string> device_names(const Host& host, Scope scope) {
  std::vector<std::string> names;
  for (const auto& device : host.devices) {
    if (device.passthrough || scope != Scope::passthrough) {
      names.push_back(device.address.to_string());
    }
  }
  return names;
}

/// What there is in place of what is not, the nearest spelling first.
std::string choice_text(const std::string& glob, const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 20;
  if (names.empty()) {
    return "this host has none";
  }
  std::vector<std::string> shown;
  std::ranges::transform(
      names.begin(),
      names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kShown)),
      std::back_inserter(shown),
      printable);
  const auto nearest = nearest_name(glob, names);
  return fmt::format("{}there {}: {}{}",
                     nearest.empty() ? "" : "did you mean " + printable(nearest) + "? ",
                     names.size() == 1 ? "is" : "are",
                     fmt::join(shown, ", "),
                     names.size() > kShown ? ", ..." : "");
}

/// Looks for what `globs`, of an option, select.
struct Selection {
  std::string_view option;
  std::string_view noun;
  std::vector<std::string> names;  ///< What there is.
};

void check_globs(const Selection& selection,
                 const std::vector<std::string>& globs,
                 const Invocation& call,
                 std::vector<std::string>& warnings) {
  for (const auto& glob : globs) {
    const auto matches = [&](const auto& name) { return matches_any({&glob, 1}, name); };
    if (std::ranges::any_of(selection.names, matches)) {
      continue;
    }
    const auto what =
        fmt::format("{} {}: no such {}", selection.option, printable(glob), selection.noun);
    const bool comes_and_goes = std::holds_alternative<WatchCommand>(call.command);
    if (!is_configured(call, selection.option) && !comes_and_goes) {
      throw Error(ErrorKind::usage, what, choice_text(glob, selection.names));
    }
    warnings.push_back(name_config(what, call.config, call.name) + " at the moment");
  }
}

/// Of a fleet with one configuration file some hosts have fewer CPUs, so these are no errors.
void check_cpus(std::string_view option,
                const CpuSet& cpus,
                const Host& host,
                std::vector<std::string>& warnings) {
  CpuSet present;
  for (const auto& cpu : host.topology.cpus) {
    present.insert(cpu.number);
  }
  if (!present.empty() && !present.contains_all(cpus)) {
    warnings.push_back(
        fmt::format("{}: this host has no CPU {}", option, (cpus - present).to_list()));
  }
}

/// What counts of what was said of a VM: the last rule that names it, else the last glob that fits;
/// nullptr if nothing was said.
const VmRule* rule_for(const std::string& name, const std::vector<VmRule>& rules) {
  const VmRule* last = nullptr;
  bool named = false;
  for (const auto& rule : rules) {
    const bool exact = rule.name == name;
    if (exact || (!named && matches_glob(rule.name, name))) {
      last = &rule;
      named = named || exact;
    }
  }
  return last;
}

/// Rules of equal standing that contradict the one that counts: an exception by name is meant so.
void warn_of_contradiction(const std::string& name,
                           const VmRule& counts,
                           const std::vector<VmRule>& rules,
                           std::vector<std::string>& warnings) {
  const bool exact = counts.name == name;
  for (const auto& rule : rules) {
    const bool equal = exact ? rule.name == name : matches_glob(rule.name, name);
    if (equal && rule.policy != counts.policy) {
      warnings.push_back(
          fmt::format("--vm-policy: {}={} and {}={} both fit {}: {} counts, the last",
                      rule.name,
                      policy_text(rule.policy),
                      counts.name,
                      policy_text(counts.policy),
                      name,
                      policy_text(counts.policy)));
      return;
    }
  }
}

/// What the rules come to for each VM of the host.
void settle_vm_policies(const Host& host, Policy& policy, std::vector<std::string>& warnings) {
  for (const auto& vm : host.vms) {
    const auto* rule = rule_for(vm.name, policy.vm_rules);
    if (rule != nullptr && policy.vm_policies.try_emplace(vm.name, rule->policy).second) {
      warn_of_contradiction(vm.name, *rule, policy.vm_rules, warnings);
    }
  }
}

/// Proxmox' number of a VM stands for its name.
void name_by_number(const Host& host, Policy& policy) {
  for (const auto& vm : host.vms) {
    const auto number = vm.vmid ? std::to_string(*vm.vmid) : std::string{};
    if (number.empty() || std::ranges::find(host.vms, number, &Vm::name) != host.vms.end()) {
      continue;
    }
    std::ranges::replace(policy.vms, number, vm.name);
    for (auto& rule : policy.vm_rules) {
      rule.name = rule.name == number ? vm.name : rule.name;
    }
  }
}

}  // namespace

bool is_configured(const Invocation& call, std::string_view option) {
  return call.config.lines.contains({call.name, std::string(option.substr(2))});
}

void settle_selection(Host& host, Policy& policy, const Invocation& call) {
  name_by_number(host, policy);
  std::vector<std::string> named;
  for (const auto& rule : policy.vm_rules) {
    named.push_back(rule.name);
  }
  const auto devices = device_names(host, policy.scope);
  const auto vms = vm_names(host);
  auto& warnings = host.warnings;
  const auto* const noun = policy.scope == Scope::passthrough ? "passthrough device" : "device";
  check_globs({"--device", noun, devices}, policy.devices, call, warnings);
  check_globs({"--skip-device", noun, devices}, policy.skip_devices, call, warnings);
  check_globs({"--vm", "VM", vms}, policy.vms, call, warnings);
  check_globs({"--vm-policy", "VM", vms}, named, call, warnings);
  check_cpus("--avoid", policy.protection.avoid, host, warnings);
  check_cpus("--housekeeping", policy.housekeeping.value_or(CpuSet{}), host, warnings);
  settle_vm_policies(host, policy, warnings);
}

}  // namespace irqtune
