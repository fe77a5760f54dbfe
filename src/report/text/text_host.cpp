// SPDX-License-Identifier: Apache-2.0
#include "report/text/text_host.h"

#include "irqtune/core/delivery.h"
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "report/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace irqtune {

namespace {

std::uint32_t number(IrqNumber irq) {
  return static_cast<std::uint32_t>(irq);
}

/// The sign beside a vector that is not fine.
std::string_view sign_of(Standing standing) {
  return standing == Standing::collision ? "!" : standing == Standing::unknown ? "?" : "";
}

std::string headline(const Host& host, const ProtectionMap& protections, const TextStyle& style) {
  const auto tally = tally_of(host, protections);
  const auto vectors = static_cast<std::size_t>(
      std::ranges::count_if(host.irqs, [](const Irq& irq) { return irq.vector.has_value(); }));
  const auto devices =
      static_cast<std::size_t>(std::ranges::count(host.devices, true, &PciDevice::passthrough));
  const auto& nodes = host.topology.nodes;
  const auto where =
      fmt::format("{}, kernel {}, {} online, {}",
                  printable(host.id.hostname.value_or("this host")),
                  printable(host.id.kernel.value_or("unknown")),
                  counted(host.topology.online.size(), "CPU"),
                  nodes.empty() ? "no NUMA nodes known" : counted(nodes.size(), "NUMA node"));
  const auto what = fmt::format("{} of {} on a vCPU's core{}; {}, {}",
                                tally.collisions,
                                counted(vectors, "passthrough vector"),
                                unknown_text(tally.unknown),
                                counted(devices, "passthrough device"),
                                counted(host.vms.size(), "VM"));
  const bool fine = tally == Tally{};
  const auto tint = fine ? Tint::green : tally.collisions > 0 ? Tint::red : Tint::yellow;
  return fmt::format("{}\n{}\n", tinted(style, tint, what), where);
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
  auto vectors = vector_counts(host);
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
  std::set<std::string_view> signs;
  for (const auto& irq : host.irqs) {
    if (!all && !irq.vector) {
      continue;
    }
    const auto* owner = irq.device ? find_owner(host, *irq.device) : nullptr;
    const auto delivery = delivery_of(host, irq);
    const auto standing =
        irq.vector ? standing_of(irq.posted, delivery, protections) : Standing::clear;
    signs.insert(sign_of(standing));
    table.add({fmt::format("{}", number(irq.number)),
               irq.listed ? fmt::format("{}", total_count(irq)) : "-",
               rate_text(rate_of(host, irq)),
               cut(list_text(irq.affinity), 16),
               cut(list_text(place_of(delivery, irq.effective)), 16),
               std::string(sign_of(standing)),
               owner != nullptr ? cut(printable(owner->name), 24) : "-",
               printable(fmt::format("{}", fmt::join(irq.actions, ", ")))});
  }
  if (table.empty()) {
    return all ? "No interrupts.\n" : "No passthrough vectors.\n";
  }
  return table.text(style) + (signs.contains("!") ? "! on a core where a vCPU runs\n" : "") +
         (signs.contains("?") ? "? not known where it is delivered (--sample SECONDS may tell)\n"
                              : "");
}

std::string titled(const TextStyle& style, std::string_view title, const std::string& text) {
  return fmt::format("\n{}\n{}", tinted(style, Tint::bold, title), text);
}

}  // namespace

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

std::vector<std::string_view> table_columns(Section section) {
  switch (section) {
    case Section::devices:
      return {"device", "node", "vectors", "driver", "used-by", "name"};
    case Section::irqs:
      return {"irq", "count", "rate/s", "asked", "on", "mark", "vm", "names"};
    case Section::vms:
      return {"vm", "state", "pid", "vcpus", "devices", "vectors", "collisions", "unknown", "cpus"};
    case Section::topology:
    case Section::all:
      break;
  }
  return {};
}

std::string node_text(const std::optional<NodeId>& node) {
  return node ? fmt::format("{}", static_cast<std::uint32_t>(*node)) : "-";
}

std::string host_text(const Host& host,
                      const ProtectionMap& protections,
                      Section section,
                      const TextStyle& style) {
  auto out = headline(host, protections, style);
  const auto again = [&](const std::string& table) {
    const auto lines = static_cast<std::size_t>(std::ranges::count(table, '\n'));
    return table + summary_again(out, lines, style);
  };
  switch (section) {
    case Section::topology:
      return out + '\n' + topology_text(host, protections, style);
    case Section::devices:
      return out + '\n' + again(devices_text(host, true, style));
    case Section::irqs:
      return out + rates_line(host) + '\n' + again(irqs_text(host, protections, true, style));
    case Section::vms:
      return out + '\n' +
             again(style.rows ? vms_table(host, protections, style)
                              : vms_text(host, protections, style));
    case Section::all:
      break;
  }
  out += titled(style, "Virtual machines", vms_text(host, protections, style));
  out += titled(style, "CPUs", topology_text(host, protections, style));
  out += titled(style, "Passthrough devices", devices_text(host, false, style));
  out += titled(
      style, "Passthrough vectors", rates_line(host) + irqs_text(host, protections, false, style));
  return out;
}

}  // namespace irqtune
