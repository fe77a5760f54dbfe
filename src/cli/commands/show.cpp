// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "cli/selection.h"
#include "cli/support.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ostream>

namespace irqtune {

namespace {

Section section_of(const std::string& name) {
  if (name == "topology") {
    return Section::topology;
  }
  if (name == "devices") {
    return Section::devices;
  }
  if (name == "irqs") {
    return Section::irqs;
  }
  return name == "vms" ? Section::vms : Section::all;
}

/// Leaves in the host what --device and --vm select: devices, their vectors, and VMs that have
/// such a device or are named. What protects a CPU stays what it is.
void keep_selected(const Policy& policy, Host& host) {
  if (policy.devices.empty() && policy.vms.empty()) {
    return;
  }
  const auto is_out = [&](const std::optional<PciAddress>& address) {
    return !address || !selects(policy, address, find_owner(host, *address));
  };
  std::erase_if(host.irqs, [&](const Irq& irq) { return is_out(irq.device); });
  std::erase_if(host.devices, [&](const PciDevice& device) { return is_out(device.address); });
  std::erase_if(host.vms, [&](const Vm& vm) {
    const bool has_one = std::ranges::any_of(
        vm.devices, [&](const PciAddress& address) { return selects(policy, address, &vm); });
    return !has_one && (policy.vms.empty() || !matches_any(policy.vms, vm.name));
  });
  for (auto& vm : host.vms) {
    std::erase_if(vm.devices, [&](const PciAddress& address) {
      return std::ranges::find(host.devices, address, &PciDevice::address) == host.devices.end();
    });
  }
}

/// Throws Error{usage} if a column is asked for that the section's table does not have.
void check_columns(Section section, const Context& context) {
  const auto known = table_columns(section);
  const auto& style = context.style;
  if (!style.columns.empty() && known.empty()) {
    throw Error(ErrorKind::usage,
                "show: --columns: says nothing without a table",
                "tables are of show irqs, show devices and show vms");
  }
  for (const auto& name : style.columns) {
    if (std::ranges::find(known, name) == known.end()) {
      throw Error(ErrorKind::usage,
                  fmt::format("--columns: {}: no column of this table", printable(name)),
                  fmt::format("it has {}", fmt::join(known, ", ")));
    }
  }
}

}  // namespace

ExitCode run(const ShowOptions& options, const Context& context) {
  auto policy = policy_of(options.policy);
  policy.scope = Scope::all;  // Host devices can be selected too.
  const auto section = section_of(options.section);
  check_columns(section, context);
  const bool everything =
      options.section == "all" || (context.call.json && section == Section::all);
  const bool host_irqs = everything || section == Section::irqs || section == Section::devices;
  const bool names = section == Section::devices || section == Section::all;
  auto host = read_host_for(
      context, options.policy, host_irqs ? Detail::devices : Detail::passthrough, names);
  settle_selection(host, policy, context.call);
  const auto protection = protections(host, policy.protection);
  keep_selected(policy, host);
  print_warnings(context, host.warnings);
  if (context.call.json) {
    print_host_json(context.out, host, protection, section);
    return ExitCode::ok;
  }
  if (context.call.quiet) {
    return ExitCode::ok;
  }
  if (options.section != "all") {
    context.out << host_text(host, protection, section, context.style);
    return ExitCode::ok;
  }
  for (const auto one : {Section::vms, Section::topology, Section::devices, Section::irqs}) {
    context.out << host_text(host, protection, one, context.style) << '\n';
  }
  return ExitCode::ok;
}

}  // namespace irqtune
