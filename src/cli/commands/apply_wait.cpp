// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/apply_wait.h"

#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "cli/support.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

namespace irqtune {

namespace {

/// The passthrough devices that the options select.
std::vector<PciAddress> selected_devices(const Host& host, const Policy& policy) {
  std::vector<PciAddress> devices;
  for (const auto& device : host.devices) {
    if (device.passthrough && selects(policy, device.address, find_owner(host, device.address))) {
      devices.push_back(device.address);
    }
  }
  return devices;
}

std::vector<PciAddress> devices_of(const Plan& plan) {
  std::set<PciAddress> devices;
  for (const auto& assignment : plan.assignments) {
    if (assignment.vector) {
      devices.insert(assignment.vector->device);
    }
  }
  return {devices.begin(), devices.end()};
}

bool has_vectors(const Host& host, const PciAddress& device) {
  return std::ranges::any_of(
      host.irqs, [&](const Irq& irq) { return irq.vector && irq.vector->device == device; });
}

/// Of these devices the VM's that have no vector.
std::vector<std::string> idle_devices(const Host& host,
                                      const Vm& vm,
                                      const std::vector<PciAddress>& devices) {
  std::vector<std::string> idle;
  for (const auto& device : vm.devices) {
    if (std::ranges::count(devices, device) > 0 && !has_vectors(host, device)) {
      idle.push_back(device.to_string());
    }
  }
  return idle;
}

/// The running VMs that hold devices without a vector, and those devices.
void add_unbooted(const Host& host,
                  const std::vector<PciAddress>& devices,
                  std::vector<std::string>& missing) {
  for (const auto& vm : host.vms) {
    const auto idle = is_running(vm) ? idle_devices(host, vm, devices) : std::vector<std::string>();
    if (!idle.empty()) {
      missing.push_back(fmt::format(
          "{}: no vector yet of {}: its guest has not booted", vm.name, fmt::join(idle, ", ")));
    }
  }
}

bool is_there(const Host& host, const std::string& wanted) {
  if (const auto address = PciAddress::parse(wanted)) {
    const auto* const device = find_device(host, *address);
    return device != nullptr && device->passthrough;
  }
  return std::ranges::any_of(host.vms, [&](const Vm& vm) {
    const bool named = vm.name == wanted || (vm.vmid && std::to_string(*vm.vmid) == wanted);
    return named && is_running(vm);
  });
}

std::string wait_name(const ApplyCommand& options) {
  return options.wait_stable ? "--wait-stable" : "--wait-for";
}

/// What was missing when the time was up.
std::vector<std::string> missing_lines(const ApplyCommand& options,
                                       const Settled& settled,
                                       const Context& context) {
  std::vector<std::string> lines;
  for (const auto& line : settled.missing) {
    lines.push_back(fmt::format("{}, after {:g} s: {}", wait_name(options), options.timeout, line));
  }
  if (!lines.empty()) {
    return lines;
  }
  std::vector<std::string> names;
  PolicyOptions quick;
  quick.sample = 0;
  const auto host =
      settled.restless.empty() ? Host{} : read_host_for(context, quick, Detail::passthrough, false);
  for (const auto& device : settled.restless) {
    const auto* const vm = find_owner(host, device);
    names.push_back(
        fmt::format("{}{}", vm != nullptr ? printable(vm->name) + ' ' : "", device.to_string()));
  }
  return {fmt::format("{}: vectors still came and went after {:g} s{}{}",
                      wait_name(options),
                      options.timeout,
                      names.empty() ? "" : ": ",
                      fmt::join(names, ", "))};
}

SettleOptions settle_options(const ApplyCommand& options,
                             const std::function<void(double)>& progress) {
  SettleOptions settle;
  settle.interrupted = [] { return SignalGuard::interrupted(); };
  settle.stable_for = milliseconds(options.wait_stable.value_or(0));
  settle.timeout = milliseconds(options.timeout);
  if (progress) {
    settle.on_wait = [&options, progress](std::chrono::milliseconds since) {
      progress(options.timeout - std::chrono::duration<double>(since).count());
    };
  }
  return settle;
}

}  // namespace

Awaited awaited(const ApplyCommand& options, const Policy& policy, const Host& host) {
  Awaited wait;
  wait.devices = selected_devices(host, policy);
  if (options.wait_stable) {
    add_unbooted(host, wait.devices, wait.missing);
  }
  for (const auto& wanted : options.wait_for) {
    if (!is_there(host, wanted)) {
      wait.missing.push_back(fmt::format(
          "{}: {}", wanted, PciAddress::parse(wanted) ? "not passed through" : "does not run"));
    }
  }
  return wait;
}

void check_wait(const ApplyCommand& options) {
  if (options.wait_stable && *options.wait_stable > options.timeout) {
    throw Error(ErrorKind::usage,
                fmt::format("--wait-stable={:g}: longer than --timeout {:g}",
                            *options.wait_stable,
                            options.timeout),
                "give a longer --timeout");
  }
}

std::vector<std::string> wait_for_vectors(const ApplyCommand& options,
                                          const std::optional<Plan>& given,
                                          const Context& context) {
  if (!options.wait_stable && options.wait_for.empty()) {
    return {};
  }
  const auto look = [&]() -> Awaited {
    if (given && options.wait_for.empty()) {
      return {devices_of(*given), {}};
    }
    auto quick = options.policy;
    quick.sample = 0;
    const auto host = read_host_for(context, quick, Detail::passthrough, false);
    auto wait = awaited(options, policy_of(options.policy), host);
    wait.devices = given ? devices_of(*given) : wait.devices;
    return wait;
  };
  const auto progress = progress_of(context, "waiting for the vectors to settle");
  const auto settled = wait_until_stable(context.sysfs, look, settle_options(options, progress));
  if (progress) {
    progress(0);
  }
  switch (settled.state) {
    case SettleState::interrupted:
      throw Error(ErrorKind::applying, wait_name(options) + ": interrupted; nothing was changed");
    case SettleState::timed_out:
      return missing_lines(options, settled, context);
    case SettleState::stable:
      break;
  }
  return {};
}

}  // namespace irqtune
