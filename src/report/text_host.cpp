// SPDX-License-Identifier: Apache-2.0
#include "report/text_host.h"

#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace irqtune {

namespace {

std::uint32_t number(IrqNumber irq) {
  return static_cast<std::uint32_t>(irq);
}

struct VectorCounts {
  std::size_t vectors = 0;
  std::size_t collisions = 0;
};

VectorCounts count_vectors(const Host& host, const ProtectionMap& protections) {
  VectorCounts counts;
  for (const auto& irq : host.irqs) {
    counts.vectors += irq.vector ? 1U : 0U;
    counts.collisions += irq.vector && collides(irq, protections) ? 1U : 0U;
  }
  return counts;
}

std::string headline(const Host& host, const ProtectionMap& protections, const TextStyle& style) {
  const auto counts = count_vectors(host, protections);
  const auto devices =
      static_cast<std::size_t>(std::ranges::count(host.devices, true, &PciDevice::passthrough));
  const auto& nodes = host.topology.nodes;
  const auto where =
      fmt::format("{}, kernel {}, {} online, {}",
                  printable(host.id.hostname.value_or("this host")),
                  printable(host.id.kernel.value_or("unknown")),
                  counted(host.topology.online.size(), "CPU"),
                  nodes.empty() ? "no NUMA nodes known" : counted(nodes.size(), "NUMA node"));
  const auto what = fmt::format("{} of {} on a vCPU's core; {}, {}",
                                counts.collisions,
                                counted(counts.vectors, "passthrough vector"),
                                counted(devices, "passthrough device"),
                                counted(host.vms.size(), "VM"));
  const auto tint = counts.collisions > 0 ? Tint::red : Tint::green;
  return fmt::format("{}\n{}\n", tinted(style, tint, what), where);
}

std::string rates_line(const Host& host) {
  switch (host.rate_source) {
    case RateSource::sampled:
      return fmt::format("Rates: over {:.1f} s.\n", host.sample_seconds.value_or(0));
    case RateSource::since_boot:
      return fmt::format("Rates: since boot, {:.0f} s ago (--sample SECONDS measures now).\n",
                         host.sample_seconds.value_or(0));
    case RateSource::none:
      break;
  }
  return {};
}

/// Who has the device: the VM, else the process, else what is known of neither; "-" for the host's
/// own devices.
std::string used_by_text(const Host& host, const PciDevice& device, std::size_t vectors) {
  if (const auto* owner = find_owner(host, device.address); owner != nullptr) {
    return cut(printable(owner->name), 24);
  }
  return device.passthrough ? user_text(host, device.address, vectors) : "-";
}

std::string devices_text(const Host& host, bool all, const TextStyle& style) {
  std::map<PciAddress, std::size_t> vectors;
  for (const auto& irq : host.irqs) {
    if (irq.device) {
      ++vectors[*irq.device];
    }
  }
  Table table({{"DEVICE"}, {"NODE"}, {"VECTORS", Align::right}, {"DRIVER"}, {"USED BY"}, {"NAME"}});
  for (const auto& device : host.devices) {
    if (!all && !device.passthrough) {
      continue;
    }
    const auto* const inferred = device.node_source == NodeSource::parent ? "*" : "";
    table.add({device.address.to_string(),
               node_text(device.node) + inferred,
               fmt::format("{}", vectors[device.address]),
               device.driver.empty() ? "-" : cut(printable(device.driver), 24),
               used_by_text(host, device, vectors[device.address]),
               printable(device.name)});
  }
  if (table.empty()) {
    return all ? "No PCI devices.\n" : "No passthrough devices.\n";
  }
  const bool starred = std::ranges::any_of(host.devices, [&](const PciDevice& device) {
    return (all || device.passthrough) && device.node_source == NodeSource::parent;
  });
  return table.text(style) + (starred ? "* node of the nearest bridge above the device\n" : "");
}

std::string irqs_text(const Host& host,
                      const ProtectionMap& protections,
                      bool all,
                      const TextStyle& style) {
  Table table({{"IRQ", Align::right},
               {"COUNT", Align::right},
               {"RATE/S", Align::right},
               {"ASKED"},
               {"ON"},
               {"", Align::left},
               {"VM"},
               {"NAMES"}});
  for (const auto& irq : host.irqs) {
    if (!all && !irq.vector) {
      continue;
    }
    const auto* owner = irq.device ? find_owner(host, *irq.device) : nullptr;
    const bool rates = host.rate_source != RateSource::none && irq.listed;
    table.add({fmt::format("{}", number(irq.number)),
               irq.listed ? fmt::format("{}", total_count(irq)) : "-",
               rate_text(rates ? std::optional(total_rate(irq)) : std::nullopt),
               cut(list_text(irq.affinity), 16),
               cut(list_text(irq.effective), 16),
               irq.vector && collides(irq, protections) ? "!" : "",
               owner != nullptr ? cut(printable(owner->name), 24) : "-",
               printable(fmt::format("{}", fmt::join(irq.actions, ", ")))});
  }
  if (table.empty()) {
    return all ? "No interrupts.\n" : "No passthrough vectors.\n";
  }
  const bool marked = std::ranges::any_of(
      host.irqs, [&](const Irq& irq) { return irq.vector && collides(irq, protections); });
  return table.text(style) + (marked ? "! on a core where a vCPU runs\n" : "");
}

std::string titled(const TextStyle& style, std::string_view title, const std::string& text) {
  return fmt::format("\n{}\n{}", tinted(style, Tint::bold, title), text);
}

}  // namespace

/// True if the interrupt is delivered to a CPU that a vCPU protects.
bool collides(const Irq& irq, const ProtectionMap& protections) {
  const auto& at = delivered_to(irq);
  return at && at->size() == 1 && protected_by_vcpu(protections, *at->first());
}

std::string node_text(const std::optional<NodeId>& node) {
  return node ? fmt::format("{}", static_cast<std::uint32_t>(*node)) : "-";
}

std::string host_text(const Host& host,
                      const ProtectionMap& protections,
                      Section section,
                      const TextStyle& style) {
  auto out = headline(host, protections, style);
  switch (section) {
    case Section::topology:
      return out + '\n' + topology_text(host, protections, style);
    case Section::devices:
      return out + '\n' + devices_text(host, true, style);
    case Section::irqs:
      return out + rates_line(host) + '\n' + irqs_text(host, protections, true, style);
    case Section::vms:
      return out + '\n' + vms_text(host, protections, style);
    case Section::all:
      break;
  }
  out += titled(style, "Virtual machines", vms_text(host, protections, style));
  out += titled(style, "CPUs", topology_text(host, protections, style));
  out += titled(style, "Passthrough devices", devices_text(host, false, style));
  out += titled(style, "Passthrough vectors", irqs_text(host, protections, false, style));
  return out;
}

}  // namespace irqtune
