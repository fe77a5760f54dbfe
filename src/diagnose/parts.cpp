// SPDX-License-Identifier: Apache-2.0
#include "diagnose/parts.h"

#include "irqtune/core/load.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>

namespace irqtune::diagnosis {

Finding make_finding(std::string_view id, Severity severity, std::string title) {
  Finding finding;
  finding.id = id;
  finding.severity = severity;
  finding.title = std::move(title);
  return finding;
}

std::string rate_basis(const Host& host) {
  switch (host.rate_source) {
    case RateSource::sampled:
      return host.sample_seconds ? fmt::format("over {:.3g} s", *host.sample_seconds) : "sampled";
    case RateSource::since_boot:
      return "since boot";
    case RateSource::none:
      break;
  }
  return {};
}

std::string rate_note(const Host& host, double rate) {
  return host.rate_source == RateSource::none
             ? std::string{}
             : fmt::format(", {}/s {}", rate_text(rate), rate_basis(host));
}

std::string numbers_text(const std::vector<const Irq*>& irqs) {
  std::set<std::uint32_t> numbers;
  for (const auto* irq : irqs) {
    numbers.insert(static_cast<std::uint32_t>(irq->number));
  }
  std::string list;
  for (auto first = numbers.begin(); first != numbers.end();) {
    auto last = first;
    auto next = std::next(first);
    for (; next != numbers.end() && *next == *last + 1; ++next) {
      last = next;
    }
    list += list.empty() ? "" : ",";
    list += first == last ? fmt::format("{}", *first) : fmt::format("{}-{}", *first, *last);
    first = next;
  }
  return list;
}

std::string list_or_count(std::string_view name,
                          const std::string& list,
                          std::size_t count,
                          std::string_view noun) {
  constexpr std::size_t kLong = 24;
  return list.size() > kLong ? fmt::format("{} {}s", count, noun)
                             : fmt::format("{} {}", name, list);
}

std::string short_list(const CpuSet& cpus) {
  constexpr std::size_t kLong = 40;
  const auto list = cpus.to_list();
  return list.size() > kLong ? fmt::format("{} CPUs", cpus.size()) : list;
}

double rate_of(const std::vector<const Irq*>& irqs) {
  double sum = 0;
  for (const auto* irq : irqs) {
    sum += total_rate(*irq);
  }
  return sum;
}

bool are_idle(const Host& host, const std::vector<const Irq*>& irqs) {
  constexpr double kNoticed = 1;  // Interrupts a second
  return rate_of(irqs) < kNoticed &&
         std::ranges::all_of(irqs, [&](const Irq* irq) { return is_measured(host, *irq); });
}

void name_irqs(const std::vector<const Irq*>& irqs, Finding& finding) {
  std::set<IrqNumber> numbers;
  std::set<PciAddress> devices;
  for (const auto* irq : irqs) {
    numbers.insert(irq->number);
    if (irq->device) {
      devices.insert(*irq->device);
    }
  }
  finding.irqs.assign(numbers.begin(), numbers.end());
  finding.devices.assign(devices.begin(), devices.end());
}

void shorten(std::vector<std::string>& lines, std::size_t most) {
  if (lines.size() > most) {
    const auto more = lines.size() - (most - 1);
    lines.resize(most - 1);
    lines.push_back(fmt::format("and {} more", more));
  }
}

CpuSet vcpu_cpus(const ProtectionMap& protections, bool siblings) {
  const auto counts = [&](const Protection& reason) {
    return reason.kind == ProtectionKind::vcpu ||
           (siblings && reason.kind == ProtectionKind::sibling);
  };
  CpuSet cpus;
  for (const auto& [cpu, reasons] : protections) {
    if (std::ranges::any_of(reasons, counts)) {
      cpus.insert(cpu);
    }
  }
  return cpus;
}

bool is_served(const Irq& irq) {
  return irq.vector && !irq.actions.empty() && irq.posted != Posted::posted;
}

std::string holder_name(const Host& host, const PciAddress& device) {
  if (const auto* vm = find_owner(host, device)) {
    return printable(vm->name);
  }
  for (const auto& user : host.vfio_users) {
    if (std::ranges::find(user.devices, device) != user.devices.end()) {
      return fmt::format("{} (pid {})", printable(user.comm), user.pid);
    }
  }
  return device.to_string();
}

std::string apply_command(const Host& host, const std::vector<const Irq*>& irqs) {
  constexpr std::size_t kFew = 4;
  std::set<PciAddress> devices;
  std::set<const Vm*> owners;
  for (const auto* irq : irqs) {
    devices.insert(irq->vector->device);
    owners.insert(find_owner(host, irq->vector->device));
  }
  if (owners.size() == 1 && *owners.begin() != nullptr) {
    return fmt::format("irqtune apply --vm {}", shell_word((*owners.begin())->name));
  }
  std::string command = "irqtune apply";
  for (const auto& device : devices) {
    command += owners.size() == 1 && devices.size() <= kFew
                   ? fmt::format(" --device {}", device.to_string())
                   : std::string{};
  }
  return command;
}

bool selects(const std::vector<std::string>& globs, std::string_view text) {
  return globs.empty() || matches_any(globs, text);
}

bool is_selected(const DiagnosisInput& input, const PciAddress& device) {
  return selects(input.plan.policy, device, find_owner(input.host, device));
}

bool is_to_avoid(const DiagnosisInput& input, const PciAddress& device) {
  return policy_for(input.plan.policy, device, find_owner(input.host, device)) == VmPolicy::avoid;
}

bool runs(const Vm& vm) {
  return is_running(vm);
}

bool is_pinned(const Vm& vm) {
  return !vm.vcpus.empty() &&
         std::ranges::all_of(vm.vcpus, [](const Vcpu& vcpu) { return vcpu.pinned; });
}

CpuSet pins_of(const Vm& vm) {
  CpuSet cpus;
  for (const auto& vcpu : vm.vcpus) {
    cpus |= vcpu.pinned && vcpu.cpus ? *vcpu.cpus : CpuSet{};
  }
  return cpus;
}

bool is_one_package(const Topology& topology, NodeId a, NodeId b) {
  constexpr int kNear = 12;
  std::optional<int> package;
  for (const auto& cpu : topology.cpus) {
    if (cpu.node != a && cpu.node != b) {
      continue;
    }
    if (!cpu.package || (package && package != cpu.package)) {
      return false;
    }
    package = cpu.package;
  }
  return package && distance(topology, a, b).value_or(kNear + 1) <= kNear;
}

bool is_from(const Vm& vm, std::string_view source) {
  return std::ranges::find(vm.sources, source) != vm.sources.end();
}

CpuSet dedicated_cpus(const Host& host) {
  CpuSet cpus;
  for (const auto& vm : host.vms) {
    for (const auto& vcpu : vm.vcpus) {
      cpus |= runs(vm) && vcpu.dedicated && vcpu.cpus ? *vcpu.cpus : CpuSet{};
    }
  }
  return cpus;
}

std::vector<int> vcpu_threads(const Vm& vm) {
  std::vector<int> threads;
  for (const auto& vcpu : vm.vcpus) {
    if (!vcpu.tid) {
      return {};
    }
    threads.push_back(*vcpu.tid);
  }
  return threads;
}

CpuSet housekeeping_near(const DiagnosisInput& input, const Vm& vm) {
  const auto pinned = pins_of(vm);
  CpuSet near;
  for (const auto& node : input.host.topology.nodes) {
    near |= node.cpus.intersects(pinned) ? node.cpus & input.plan.housekeeping : CpuSet{};
  }
  return near.empty() ? input.plan.housekeeping : near;
}

bool has_pinned_vms(const Host& host) {
  return std::ranges::any_of(host.vms, [](const Vm& vm) {
    return runs(vm) && std::ranges::any_of(vm.vcpus, [](const Vcpu& vcpu) { return vcpu.pinned; });
  });
}

std::string for_each_cpu(const CpuSet& cpus, std::string_view value, std::string_view file) {
  std::string list;
  for (const int cpu : cpus.cpus()) {
    list += fmt::format(" {}", cpu);
  }
  return fmt::format(
      "for c in{}; do echo {} > /sys/devices/system/cpu/cpu$c/{}; done", list, value, file);
}

std::string line_text(const ConfigLine& line) {
  return fmt::format("{}:{}: {}", line.file, line.line, line.text);
}

}  // namespace irqtune::diagnosis
