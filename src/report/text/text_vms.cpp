// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/delivery.h"
#include "irqtune/core/handler_threads.h"
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "report/text/table.h"
#include "report/text/text_host.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

std::string pin_text(const Vm& vm, const Vcpu& vcpu) {
  const auto* unknown = vm.state == VmState::defined ? "no pin written" : "unknown";
  const auto* kind = !vcpu.cpus       ? unknown
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
  if (same && !first.cpus && vm.state == VmState::defined) {
    return fmt::format("{}, no pins written", vm.vcpus.size());
  }
  if (alike && same) {
    return fmt::format("{} on {}", vm.vcpus.size(), pin_text(vm, first));
  }
  std::string out = fmt::format("{}:", vm.vcpus.size());
  for (const auto& vcpu : vm.vcpus) {
    out += fmt::format(" {}>{}", vcpu.id, alike ? list_text(vcpu.cpus) : pin_text(vm, vcpu));
  }
  return alike ? out + (first.dedicated ? " dedicated"
                        : first.pinned  ? " pool"
                                        : " unpinned")
               : out;
}

/// `text` behind `label`, broken between words into lines of `width` columns.
std::string labelled(std::string_view label, std::string_view text, std::size_t width) {
  std::string out(label);
  auto column = label.size();
  bool first = true;
  while (!text.empty()) {
    const auto word = take_until(text, ' ');
    const bool fits = column + 1 + display_width(word) <= width;
    if (!first) {
      out += fits ? " " : fmt::format("\n{:{}}", "", label.size());
      column = fits ? column + 1 : label.size();
    }
    out += word;
    column += display_width(word);
    first = false;
  }
  return out + '\n';
}

/// CPUs of the VM's pinned vCPUs and their siblings.
bool on_core_of(const Vm& vm, const ProtectionMap& protections, int cpu) {
  const auto found = protections.find(cpu);
  return found != protections.end() && std::ranges::any_of(found->second, [&](const Protection& p) {
           return !p.vcpus.empty() && p.vm == vm.name && p.pid == vm.pid;
         });
}

std::size_t count_vectors(const Host& host, const PciAddress& address) {
  return static_cast<std::size_t>(std::ranges::count_if(
      host.irqs, [&](const Irq& irq) { return irq.vector && irq.device == address; }));
}

/// How many vectors a device has, and how many of them stand on whose cores.
std::string device_text(const Host& host,
                        const ProtectionMap& protections,
                        const Vm& vm,
                        const PciAddress& address) {
  std::size_t vectors = 0;
  std::size_t own = 0;
  std::size_t other = 0;
  std::size_t unknown = 0;
  for (const auto& irq : host.irqs) {
    if (!irq.vector || irq.device != address) {
      continue;
    }
    ++vectors;
    const auto delivery = delivery_of(host, irq);
    const auto standing = standing_of(irq.posted, delivery, protections);
    const auto cpus = delivery.cpus.cpus();
    const bool is_own =
        std::ranges::any_of(cpus, [&](int cpu) { return on_core_of(vm, protections, cpu); });
    own += standing == Standing::collision && is_own ? 1U : 0U;
    other += standing == Standing::collision && !is_own ? 1U : 0U;
    unknown += standing == Standing::unknown ? 1U : 0U;
  }
  return fmt::format("  device    {}: {}, {} on its own vCPU cores, {} on other VMs'{}\n",
                     address.to_string(),
                     counted(vectors, "vector"),
                     own,
                     other,
                     unknown_text(unknown));
}

std::string vm_text(const Host& host,
                    const ProtectionMap& protections,
                    const Vm& vm,
                    const TextStyle& style) {
  const auto pid =
      vm.pid ? fmt::format(
                   "{}, pid {}{}", state_text(vm.state), *vm.pid, vm.unvouched ? ", unvouched" : "")
             : std::string(is_running(vm) ? state_text(vm.state) : "defined, not running");
  auto out = fmt::format("{}  {} ({})\n",
                         tinted(style, Tint::bold, printable(vm.name)),
                         pid,
                         fmt::join(vm.sources, ", "));
  out += labelled("  vCPUs     ", vcpus_text(vm), style.width);
  out += fmt::format("  emulator  {}\n", list_text(vm.emulator));
  for (const auto& thread : vm.iothreads) {
    out += fmt::format("  iothread  {} {}\n", printable(thread.id), list_text(thread.cpus));
  }
  for (const auto& address : vm.devices) {
    out += device_text(host, protections, vm, address);
  }
  for (const auto& thread : vm.threads) {
    if (irq_of_thread(thread.name)) {
      out += fmt::format("  handler   {} {}\n", printable(thread.name), list_text(thread.cpus));
    }
  }
  return out;
}

/// Passthrough devices of DPDK, SPDK, or only bound to vfio.
std::string without_vm_text(const Host& host,
                            const ProtectionMap& protections,
                            const TextStyle& style) {
  std::string out;
  for (const auto& device : host.devices) {
    if (!device.passthrough || find_owner(host, device.address) != nullptr) {
      continue;
    }
    const auto vectors = count_vectors(host, device.address);
    const auto colliding = std::ranges::count_if(host.irqs, [&](const Irq& irq) {
      return irq.vector && irq.device == device.address &&
             standing_of(host, irq, protections) == Standing::collision;
    });
    out +=
        fmt::format("  device    {}: {}", device.address.to_string(), counted(vectors, "vector"));
    out += vectors > 0 ? fmt::format(", {} on vCPU cores", colliding) : "";
    const auto user = user_text(host, device.address, vectors);
    const bool bound = user == "nobody" && !device.driver.empty();
    out += fmt::format(", used by {}{}\n",
                       user,
                       bound ? fmt::format(" (only bound to {})", printable(device.driver)) : "");
  }
  return out.empty() ? out : tinted(style, Tint::bold, "Without a VM") + '\n' + out;
}

}  // namespace

std::string user_text(const Host& host, const PciAddress& address, std::size_t vectors) {
  constexpr std::size_t kWidest = 24;
  std::string out;
  for (const auto& user : host.vfio_users) {
    if (std::ranges::find(user.devices, address) != user.devices.end()) {
      out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", printable(user.comm), user.pid);
    }
  }
  return !out.empty() ? cut(out, kWidest) : vectors > 0 ? "unknown process" : "nobody";
}

std::string vms_table(const Host& host, const ProtectionMap& protections, const TextStyle& style) {
  Table table({{"VM"},
               {"STATE"},
               {"PID", Align::right},
               {"VCPUS", Align::right},
               {"DEVICES", Align::right},
               {"VECTORS", Align::right},
               {"COLLISIONS", Align::right},
               {"UNKNOWN", Align::right},
               {"CPUS"}});
  for (const auto& vm : host.vms) {
    std::size_t vectors = 0;
    Tally tally;
    for (const auto& address : vm.devices) {
      vectors += count_vectors(host, address);
      tally.add(tally_of(host, address, protections));
    }
    CpuSet cpus;
    for (const auto& vcpu : vm.vcpus) {
      cpus |= vcpu.cpus.value_or(CpuSet{});
    }
    table.add({printable(vm.name),
               std::string(state_text(vm.state)),
               vm.pid ? fmt::format("{}", *vm.pid) : "-",
               fmt::format("{}", vm.vcpus.size()),
               fmt::format("{}", vm.devices.size()),
               fmt::format("{}", vectors),
               fmt::format("{}", tally.collisions),
               fmt::format("{}", tally.unknown),
               list_text(cpus)});
  }
  return table.empty() ? "No VMs found.\n" : table.text(style);
}

std::string vms_text(const Host& host, const ProtectionMap& protections, const TextStyle& style) {
  std::string out = host.vms.empty() ? "No VMs found.\n" : "";
  for (const auto& vm : host.vms) {
    out += vm_text(host, protections, vm, style);
  }
  return out + without_vm_text(host, protections, style);
}

}  // namespace irqtune
