// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace irqtune {

namespace {

std::uint32_t number(IrqNumber irq) {
  return static_cast<std::uint32_t>(irq);
}

std::string node_text(const std::optional<NodeId>& node) {
  return node ? fmt::format("{}", static_cast<std::uint32_t>(*node)) : "-";
}

/// True if the interrupt is delivered to a CPU that a vCPU protects.
bool collides(const Irq& irq, const ProtectionMap& protections) {
  const auto& at = delivered_to(irq);
  return at && at->size() == 1 && protected_by_vcpu(protections, *at->first());
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
  const auto where = fmt::format("{}, kernel {}, {} CPUs online, {}",
                                 printable(host.id.hostname.value_or("this host")),
                                 printable(host.id.kernel.value_or("unknown")),
                                 host.topology.online.size(),
                                 counted(host.topology.nodes.size(), "NUMA node"));
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

/// What an admin needs to know of one CPU in a word or two.
std::string role_text(const Cpu& cpu, const ProtectionMap& protections) {
  if (!cpu.online) {
    return "offline";
  }
  const auto found = protections.find(cpu.number);
  if (found == protections.end()) {
    return "housekeeping";
  }
  std::string out;
  for (const auto& reason : found->second) {
    std::string one(protection_text(reason.kind));
    if (reason.kind == ProtectionKind::vcpu) {
      one = fmt::format("vCPU of {}", printable(reason.vm));
    } else if (reason.kind == ProtectionKind::sibling) {
      one = fmt::format("sibling of a vCPU of {}", printable(reason.vm));
    }
    if (out.find(one) == std::string::npos) {
      out += (out.empty() ? "" : ", ") + one;
    }
  }
  return out;
}

/// Consecutive cores of one cache whose CPUs have the same roles: one line of the map, which so
/// stays readable on big hosts.
struct CoreGroup {
  std::string package;
  std::string node;
  std::string llc;
  std::string role;
  CpuSet cpus;
  int cores = 0;
};

/// The CPUs of each core, cores by lowest CPU; CPUs of unknown core stand alone.
std::vector<std::vector<const Cpu*>> cores_of(const Topology& topology) {
  std::vector<std::vector<const Cpu*>> cores;
  std::map<int, std::size_t> index;
  for (const auto& cpu : topology.cpus) {
    const bool known = cpu.core && cpu.online;
    const auto at = known ? index.try_emplace(*cpu.core, cores.size()).first->second : cores.size();
    cores.resize(std::max(cores.size(), at + 1));
    cores[at].push_back(&cpu);
  }
  return cores;
}

CoreGroup group_of(const std::vector<const Cpu*>& core, const ProtectionMap& protections) {
  const auto text = [](const auto& value) { return value ? fmt::format("{}", *value) : "-"; };
  CoreGroup group;
  const auto& first = *core.front();
  group.package = text(first.package);
  group.node = node_text(first.node);
  group.llc = text(first.llc);
  group.cores = 1;
  for (const auto* cpu : core) {
    const auto role = role_text(*cpu, protections);
    group.cpus.insert(cpu->number);
    if (group.role.find(role) == std::string::npos) {
      group.role += (group.role.empty() ? "" : " / ") + role;
    }
  }
  return group;
}

std::string topology_text(const Host& host,
                          const ProtectionMap& protections,
                          const TextStyle& style) {
  std::map<int, std::size_t> vectors;
  for (const auto& irq : host.irqs) {
    if (irq.vector && delivered_to(irq) && delivered_to(irq)->size() == 1) {
      ++vectors[*delivered_to(irq)->first()];
    }
  }
  std::vector<CoreGroup> groups;
  for (const auto& core : cores_of(host.topology)) {
    auto group = group_of(core, protections);
    const auto same = [&](const CoreGroup& other) {
      return other.package == group.package && other.node == group.node && other.llc == group.llc &&
             other.role == group.role;
    };
    if (!groups.empty() && same(groups.back())) {
      groups.back().cpus |= group.cpus;
      ++groups.back().cores;
    } else {
      groups.push_back(std::move(group));
    }
  }
  Table table({{"PACKAGE", Align::right},
               {"NODE", Align::right},
               {"LLC", Align::right},
               {"CORES", Align::right},
               {"VECTORS", Align::right},
               {"CPUS"},
               {"ROLE"}});
  for (const auto& group : groups) {
    std::size_t count = 0;
    for (const int cpu : group.cpus.cpus()) {
      const auto found = vectors.find(cpu);
      count += found != vectors.end() ? found->second : 0;
    }
    table.add({group.package,
               group.node,
               group.llc,
               fmt::format("{}", group.cores),
               fmt::format("{}", count),
               cut(group.cpus.to_list(), 48),
               group.role});
  }
  std::string out = table.text(style);
  for (const auto& node : host.topology.nodes) {
    out += fmt::format(
        "node {}: CPUs {}; distances {}\n",
        static_cast<std::uint32_t>(node.id),
        node.cpus.empty() ? "none (memory only)" : node.cpus.to_list(),
        node.distances.empty() ? "unknown" : fmt::format("{}", fmt::join(node.distances, " ")));
  }
  return out;
}

std::string devices_text(const Host& host, bool all, const TextStyle& style) {
  std::map<PciAddress, std::size_t> vectors;
  for (const auto& irq : host.irqs) {
    if (irq.device) {
      ++vectors[*irq.device];
    }
  }
  Table table({{"DEVICE"}, {"NODE"}, {"VECTORS", Align::right}, {"DRIVER"}, {"VM"}, {"NAME"}});
  for (const auto& device : host.devices) {
    if (!all && !device.passthrough) {
      continue;
    }
    const auto* owner = find_owner(host, device.address);
    const auto* const inferred = device.node_source == NodeSource::parent ? "*" : "";
    table.add({device.address.to_string(),
               node_text(device.node) + inferred,
               fmt::format("{}", vectors[device.address]),
               device.driver.empty() ? "-" : cut(printable(device.driver), 24),
               owner != nullptr     ? cut(printable(owner->name), 24)
               : device.passthrough ? "none"
                                    : "-",
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
    const auto rate =
        host.rate_source == RateSource::none ? std::nullopt : std::optional(total_rate(irq));
    table.add({fmt::format("{}", number(irq.number)),
               fmt::format("{}", total_count(irq)),
               rate_text(rate),
               cut(list_text(irq.affinity), 16),
               cut(list_text(irq.effective), 16),
               irq.vector && collides(irq, protections) ? "!" : "",
               owner != nullptr ? cut(printable(owner->name), 24) : "-",
               printable(fmt::format("{}", fmt::join(irq.actions, ", ")))});
  }
  if (table.empty()) {
    return all ? "No interrupts.\n" : "No passthrough vectors.\n";
  }
  return table.text(style) + "! on a core where a vCPU runs\n";
}

std::string pin_text(const Vcpu& vcpu) {
  const auto* kind = !vcpu.cpus       ? "unknown"
                     : !vcpu.pinned   ? "unpinned"
                     : vcpu.dedicated ? "dedicated"
                                      : "pool";
  return fmt::format("{} {}", list_text(vcpu.cpus), kind);
}

/// "0:2 1:3 dedicated": vCPUs and their CPUs, grouped where all are alike.
std::string vcpus_text(const Vm& vm) {
  if (vm.vcpus.empty()) {
    return "unknown";
  }
  const auto& first = vm.vcpus.front();
  const bool alike = std::ranges::all_of(vm.vcpus, [&](const Vcpu& vcpu) {
    return vcpu.pinned == first.pinned && vcpu.dedicated == first.dedicated;
  });
  const bool same =
      std::ranges::all_of(vm.vcpus, [&](const Vcpu& vcpu) { return vcpu.cpus == first.cpus; });
  if (alike && same) {
    return fmt::format("{} on {}", vm.vcpus.size(), pin_text(first));
  }
  std::string out = fmt::format("{}:", vm.vcpus.size());
  for (const auto& vcpu : vm.vcpus) {
    out += fmt::format(" {}>{}", vcpu.id, alike ? list_text(vcpu.cpus) : pin_text(vcpu));
  }
  return alike ? out + (first.dedicated ? " dedicated"
                        : first.pinned  ? " pool"
                                        : " unpinned")
               : out;
}

/// CPUs of the VM's pinned vCPUs and their siblings.
bool on_core_of(const Vm& vm, const ProtectionMap& protections, int cpu) {
  const auto found = protections.find(cpu);
  return found != protections.end() && std::ranges::any_of(found->second, [&](const Protection& p) {
           return p.vcpu && p.vm == vm.name;
         });
}

/// How many vectors a device has, and how many of them stand on whose cores.
std::string device_text(const Host& host,
                        const ProtectionMap& protections,
                        const Vm& vm,
                        const PciAddress& address) {
  std::size_t vectors = 0;
  std::size_t own = 0;
  std::size_t other = 0;
  for (const auto& irq : host.irqs) {
    if (!irq.vector || irq.device != address) {
      continue;
    }
    ++vectors;
    if (collides(irq, protections)) {
      ++(on_core_of(vm, protections, *delivered_to(irq)->first()) ? own : other);
    }
  }
  return fmt::format("  device    {}: {}, {} on its own vCPU cores, {} on other VMs'\n",
                     address.to_string(),
                     counted(vectors, "vector"),
                     own,
                     other);
}

std::string vm_text(const Host& host,
                    const ProtectionMap& protections,
                    const Vm& vm,
                    const TextStyle& style) {
  const auto pid = vm.pid ? fmt::format("pid {}", *vm.pid) : std::string("not running");
  auto out = fmt::format("{}  {} ({})\n",
                         tinted(style, Tint::bold, printable(vm.name)),
                         pid,
                         fmt::join(vm.sources, ", "));
  out += fmt::format("  vCPUs     {}\n", vcpus_text(vm));
  out += fmt::format("  emulator  {}\n", list_text(vm.emulator));
  for (const auto& thread : vm.iothreads) {
    out += fmt::format("  iothread  {} {}\n", printable(thread.id), list_text(thread.cpus));
  }
  for (const auto& address : vm.devices) {
    out += device_text(host, protections, vm, address);
  }
  return out;
}

std::string vms_text(const Host& host, const ProtectionMap& protections, const TextStyle& style) {
  if (host.vms.empty()) {
    return "No VMs found.\n";
  }
  std::string out;
  for (const auto& vm : host.vms) {
    out += vm_text(host, protections, vm, style);
  }
  return out;
}

std::string titled(const TextStyle& style, std::string_view title, const std::string& text) {
  return fmt::format("\n{}\n{}", tinted(style, Tint::bold, title), text);
}

}  // namespace

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
