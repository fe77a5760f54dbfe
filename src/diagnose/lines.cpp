// SPDX-License-Identifier: Apache-2.0
#include "diagnose/lines.h"

#include "irqtune/core/delivery.h"
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/parts.h"

namespace irqtune {

namespace {

/// Source: Linux drivers/pci/pcie: pme.c, aer.c, dpc.c, bwctrl.c (6.13), bw_notification.c (5.1
/// to 5.11), drivers/pci/hotplug.
bool is_port_service(std::string_view handler) {
  constexpr std::array<std::string_view, 7> kNames = {
      "PCIe PME", "aerdrv", "pciehp", "PCIe bwctrl", "PCIe BW notif", "pcie-dpc", "dpc"};
  return std::ranges::find(kNames, handler) != kNames.end();
}

/// The vCPUs that protect a CPU: "vCPU 1 of db1".
std::vector<std::string> vcpus_of(const DiagnosisInput& input, int cpu) {
  std::vector<std::string> names;
  const auto found = input.protections.find(cpu);
  if (found == input.protections.end()) {
    return names;
  }
  for (const auto& protection : found->second) {
    if (protection.kind == ProtectionKind::vcpu) {
      names.push_back(vcpus_text(protection));
    }
  }
  return names;
}

}  // namespace

Handlers handlers_of(const Irq& irq) {
  Handlers handlers;
  for (const auto& action : irq.actions) {
    const auto name = trimmed(action);
    const auto vector = parse_vfio_action(name);
    if (vector) {
      handlers.guests.push_back(*vector);
    } else if (!name.empty() && !is_port_service(name)) {
      handlers.host.emplace_back(name);
    }
  }
  return handlers;
}

bool is_device_interrupt(const Irq& irq) noexcept {
  return !is_per_cpu(irq) &&
         (irq.device || std::ranges::any_of(irq.actions, [](const std::string& action) {
            return !trimmed(action).empty();
          }));
}

DeviceLoad::DeviceLoad(const Host& host)
    : host_(host), has_rates_(host.rate_source != RateSource::none) {
  for (const auto& irq : host.irqs) {
    if (is_device_interrupt(irq)) {
      add(irq, by_cpu_);
    }
  }
  for (const auto& [cpu, load] : by_cpu_) {
    total_ += load;
  }
}

void DeviceLoad::add(const Irq& irq, RatesByCpu& by_cpu) const {
  has_rates_ ? add_rates(host_, irq, std::nullopt, by_cpu) : add_counts(host_, irq, by_cpu);
}

double DeviceLoad::on_cpu(const Irq& irq, int cpu) const {
  RatesByCpu parts;
  add(irq, parts);
  const auto found = parts.find(cpu);
  return found != parts.end() ? found->second : 0;
}

double DeviceLoad::of(const Irq& irq) const noexcept {
  return has_rates_ ? total_rate(irq) : static_cast<double>(total_count(irq));
}

std::optional<int> serving_cpu(const Host& host, const Irq& irq) {
  const auto delivery = delivery_of(host, irq);
  if (!delivery.cpus.empty()) {
    return only_cpu(delivery);
  }
  const bool is_told = irq.effective || irq.affinity;  // Counts of other days tell no better.
  const auto most = std::ranges::max_element(irq.counts, {}, &CpuCount::count);
  return most == irq.counts.end() || is_told ? std::nullopt : std::optional(most->cpu);
}

std::string number_text(IrqNumber irq) {
  return fmt::format("{}", static_cast<std::uint32_t>(irq));
}

std::string activity_text(const Irq& irq, const Host& host) {
  const auto text = counted(total_count(irq), "interrupt") + " since boot";
  if (host.rate_source == RateSource::sampled) {
    return fmt::format("{}, now {}/s", text, rate_text(rate_of(host, irq)));
  }
  return host.rate_source == RateSource::since_boot
             ? fmt::format("{} ({}/s)", text, rate_text(rate_of(host, irq)))
             : text;
}

std::vector<std::string> serving_text(const Irq& irq, const Sight& sight) {
  const auto cpu = serving_cpu(sight.input.host, irq);
  if (!cpu) {
    return {};
  }
  std::vector<std::string> lines = {
      fmt::format("CPU {} serves it, with {:.0f} % of all device "
                  "interrupts{}",
                  *cpu,
                  100 * sight.load.share(sight.load.of(irq)),
                  irq.effective ? " (effective_affinity_list)" : "")};
  if (const auto vcpus = vcpus_of(sight.input, *cpu); !vcpus.empty()) {
    lines.push_back(fmt::format("CPU {} also runs {}", *cpu, fmt::join(vcpus, ", ")));
  }
  return lines;
}

std::string owner_text(const Host& host, const PciAddress& device) {
  const auto* vm = find_owner(host, device);
  return vm == nullptr ? fmt::format("{} (no VM)", device.to_string())
                       : fmt::format("{} (VM {})", device.to_string(), vm->name);
}

void name_line(const Irq& irq, const DiagnosisInput& input, Finding& finding) {
  finding.irqs.push_back(irq.number);
  if (const auto cpu = serving_cpu(input.host, irq)) {
    finding.cpus.insert(*cpu);
  }
  for (const auto& guest : handlers_of(irq).guests) {
    finding.devices.push_back(guest.device);
    if (const auto* vm = find_owner(input.host, guest.device)) {
      finding.vms.push_back(vm->name);
    }
  }
  if (irq.line) {
    for (const auto& device : irq.line->devices) {
      finding.devices.push_back(device.address);
    }
  }
  std::ranges::sort(finding.devices);
  finding.devices.erase(std::unique(finding.devices.begin(), finding.devices.end()),
                        finding.devices.end());
  std::ranges::sort(finding.vms);
  finding.vms.erase(std::unique(finding.vms.begin(), finding.vms.end()), finding.vms.end());
}

}  // namespace irqtune
