// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/explain.h"

#include "irqtune/core/error.h"
#include "irqtune/core/in_use.h"
#include "irqtune/core/text.h"

#include "cli/selection.h"
#include "cli/support.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ostream>

namespace irqtune {

namespace {

template <typename Explanation>
ExitCode print(const Explanation& explanation, const Host& host, const Context& context) {
  print_warnings(context, host.warnings);
  if (context.call.json) {
    context.out << explain_json(explanation, host.id, host.warnings);
  } else if (!context.call.quiet) {
    context.out << explain_text(explanation, context.style);
  }
  return ExitCode::ok;
}

[[noreturn]] void unknown(const std::string& target, std::string_view why, std::string_view hint) {
  throw Error(
      ErrorKind::usage, fmt::format("explain {}: {}", printable(target), why), std::string(hint));
}

/// Says why the plan has no such interrupt.
[[noreturn]] void not_planned(const Host& host,
                              const Policy& policy,
                              IrqNumber number,
                              const std::string& target) {
  const auto* irq = find_irq(host, number);
  if (irq == nullptr) {
    unknown(target, "this host has no such interrupt", "`irqtune show irqs` lists them");
  }
  if (!is_in_use(*irq)) {
    unknown(target,
            "not in use yet: no handler, so there is nothing to place",
            "once its guest asks for it: irqtune apply");
  }
  if (irq->vector) {
    unknown(target, "not in the plan", "--device or --vm leaves it out");
  }
  unknown(target,
          "not in the plan",
          policy.scope == Scope::all
              ? "the kernel places it, or it is of no device"
              : "it is no passthrough vector; --scope evict or all takes in the host's");
}

/// What an argument that is no IRQ, address or CPU may have meant.
std::string target_hint(const Host& host, const std::string& target) {
  const auto vm = std::ranges::find(host.vms, target, &Vm::name);
  if (vm == host.vms.end() || vm->devices.empty()) {
    return "for instance 74, 0000:3b:00.0, 0000:3b:00.0/3 or cpu6";
  }
  std::vector<std::string> devices;
  for (const auto& device : vm->devices) {
    devices.push_back(device.to_string());
  }
  return fmt::format("it is a VM; its devices are {}", fmt::join(devices, ", "));
}

/// The IRQ of "ADDRESS/INDEX" or "ADDRESS/KIND/INDEX".
IrqNumber irq_of(const Host& host,
                 const PciAddress& device,
                 std::string_view rest,
                 const std::string& target) {
  const auto slash = rest.find('/');
  const auto kind =
      slash == std::string_view::npos ? std::nullopt : parse_kind(rest.substr(0, slash));
  const auto index_text = slash == std::string_view::npos ? rest : rest.substr(slash + 1);
  const auto index = parse_number<std::uint16_t>(index_text);
  for (const auto& irq : host.irqs) {
    if (irq.vector && irq.vector->device == device && irq.vector->index == index &&
        (!kind || irq.vector->kind == kind)) {
      return irq.number;
    }
  }
  unknown(target, "the device has no such vector", "`irqtune explain ADDRESS` shows all it has");
}

}  // namespace

ExitCode run(const ExplainOptions& options, const Context& context) {
  auto policy = policy_of(options.policy);
  auto host = read_host_for(context, options.policy, detail_for(policy), false);
  settle_selection(host, policy, context.call);
  const auto& target = options.target;
  if (target.starts_with("cpu")) {
    const auto number = parse_number<int>(std::string_view(target).substr(3));
    const auto explanation = number ? explain_cpu(host, policy, *number) : std::nullopt;
    if (!explanation) {
      unknown(target, "this host has no such CPU", "`irqtune show topology` lists them");
    }
    return print(*explanation, host, context);
  }
  std::string_view rest = target;
  const auto device = PciAddress::parse(take_until(rest, '/'));
  const auto number = parse_number<std::uint32_t>(target);
  if (!device && !number) {
    unknown(target, "neither an IRQ, a PCI address nor a CPU", target_hint(host, target));
  }
  if (device && rest.empty()) {
    const auto explanation = explain_device(host, policy, *device);
    if (!explanation) {
      unknown(target,
              "no vector of it is in the plan",
              "`irqtune show devices` lists passthrough devices; --scope widens the plan");
    }
    return print(*explanation, host, context);
  }
  const auto irq = device ? irq_of(host, *device, rest, target) : IrqNumber{*number};
  const auto explanation = explain_vector(host, policy, irq);
  if (!explanation) {
    not_planned(host, policy, irq, target);
  }
  return print(*explanation, host, context);
}

}  // namespace irqtune
