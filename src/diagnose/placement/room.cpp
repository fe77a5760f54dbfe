// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

/// How many vectors a CPU has for devices; empty where the kernel sets no limit.
/// Source: Linux arch/x86/include/asm/irq_vectors.h: 0x20..0xea less the legacy ones.
std::optional<std::size_t> vector_limit(const DiagnosisInput& input) {
  constexpr std::size_t kX86Vectors = 200;
  if (input.plan.policy.max_vectors_per_cpu) {
    return static_cast<std::size_t>(std::max(0, *input.plan.policy.max_vectors_per_cpu));
  }
  const bool x86 = std::ranges::any_of(input.host.irqs, [](const Irq& irq) {
    return irq.chip.starts_with("PCI-MSI") || irq.chip.starts_with("IR-PCI-MSI") ||
           irq.chip.find("IO-APIC") != std::string::npos;
  });
  return x86 ? std::optional(kX86Vectors) : std::nullopt;
}

/// Vectors on `cpus`, by the device that holds them; the one with the most first.
std::vector<std::pair<PciAddress, std::size_t>> budget_holders(const Host& host,
                                                               const CpuSet& cpus) {
  std::map<PciAddress, std::size_t> counts;
  for (const auto& irq : host.irqs) {
    const auto cpu = allocated_on(irq);
    const auto device = irq.vector ? std::optional(irq.vector->device) : irq.device;
    if (cpu && cpus.contains(*cpu) && device) {
      ++counts[*device];
    }
  }
  std::vector<std::pair<PciAddress, std::size_t>> holders(counts.begin(), counts.end());
  std::ranges::stable_sort(holders,
                           [](const auto& a, const auto& b) { return a.second > b.second; });
  return holders;
}

/// "0000:51:00.0 (ice): 65", for those that hold the most.
std::vector<std::string> holder_lines(
    const Host& host, const std::vector<std::pair<PciAddress, std::size_t>>& holders) {
  constexpr std::size_t kShown = 6;
  std::vector<std::string> lines;
  for (const auto& [address, count] : holders) {
    const auto* device = find_device(host, address);
    const bool driven = device != nullptr && !device->driver.empty();
    lines.push_back(fmt::format("{}{} holds {}",
                                address.to_string(),
                                driven ? fmt::format(" ({})", printable(device->driver)) : "",
                                counted(count, "vector")));
  }
  shorten(lines, kShown);
  return lines;
}

/// What frees the most: fewer queues of the host's own devices, one a housekeeping CPU.
std::vector<std::string> fewer_host_queues(
    const DiagnosisInput& input, const std::vector<std::pair<PciAddress, std::size_t>>& holders) {
  constexpr std::size_t kMostCommands = 8;
  constexpr std::uint32_t kNetwork = 0x02;
  constexpr unsigned kBaseClass = 16;
  const auto queues = std::max<std::size_t>(1, input.plan.housekeeping.size());
  std::vector<std::string> steps;
  for (const auto& [address, count] : holders) {
    const auto* device = find_device(input.host, address);
    if (device == nullptr || device->passthrough || count <= queues ||
        steps.size() == kMostCommands) {
      continue;
    }
    const bool network = device->class_code.value_or(0) >> kBaseClass == kNetwork;
    steps.push_back(network ? fmt::format("ethtool -L $(ls /sys/bus/pci/devices/{}/net | head -1) "
                                          "combined {}",
                                          address.to_string(),
                                          queues)
                            : fmt::format("fewer queues of {}, by a parameter of its driver {}",
                                          address.to_string(),
                                          printable(device->driver)));
  }
  if (!steps.empty()) {
    steps.insert(steps.begin(),
                 "fewer queues of the host's own devices, one a housekeeping CPU is enough:");
  }
  return steps;
}

/// How many vectors each CPU has.
std::map<int, std::size_t> taken_vectors(const Host& host) {
  std::map<int, std::size_t> taken;
  for (const auto& irq : host.irqs) {
    const auto cpu = allocated_on(irq);
    if (cpu) {
      ++taken[*cpu];
    }
  }
  return taken;
}

std::vector<std::string> budget_remedy(
    const DiagnosisInput& input,
    const CpuSet& full,
    const std::vector<std::pair<PciAddress, std::size_t>>& holders) {
  auto remedy = fewer_host_queues(input, holders);
  remedy.insert(remedy.end(),
                {"give the host more housekeeping CPUs (pin VMs to fewer cores)",
                 "fewer queues in the guests: ethtool -L DEV combined N"});
  if (!full.contains_all(input.plan.housekeeping)) {
    remedy.insert(remedy.end(), {"spread what is there:", "irqtune apply --scope all"});
  }
  return remedy;
}

std::string budget_title(std::size_t unplaced, const CpuSet& cpus) {
  if (unplaced > 0) {
    return fmt::format("{} not fit on the housekeeping CPUs",
                       counted(unplaced, "vector") + (unplaced == 1 ? " does" : " do"));
  }
  return cpus.size() == 1
             ? fmt::format("cpu{} is about to run out of interrupt vectors",
                           cpus.first().value_or(0))
             : fmt::format("CPUs {} are about to run out of interrupt vectors", short_list(cpus));
}

void find_vector_budget(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto limit = vector_limit(input);
  const auto unplaced = static_cast<std::size_t>(std::ranges::count(
      input.plan.assignments, std::optional(Blocked::budget), &Assignment::blocked));
  std::vector<std::string> full;
  CpuSet cpus;
  for (const auto& [cpu, count] : taken_vectors(input.host)) {
    if (limit && count * 5 >= *limit * 4) {  // 80 %
      full.push_back(fmt::format("cpu{}: {} of about {} vectors taken", cpu, count, *limit));
      cpus.insert(cpu);
    }
  }
  if (unplaced == 0 && full.empty()) {
    return;
  }
  const auto holders = budget_holders(input.host, cpus.empty() ? input.plan.housekeeping : cpus);
  auto finding = make_finding("vector-budget", Severity::warning, budget_title(unplaced, cpus));
  finding.cost =
      "the kernel then takes any other CPU without a word, isolated ones too; a write of a mask "
      "fails with ENOSPC";
  shorten(full, 6);
  finding.evidence = std::move(full);
  const auto lines = holder_lines(input.host, holders);
  finding.evidence.insert(finding.evidence.end(), lines.begin(), lines.end());
  finding.evidence.push_back(
      fmt::format("housekeeping CPUs: {}", input.plan.housekeeping.to_list()));
  finding.remedy = budget_remedy(input, cpus, holders);
  finding.cpus = std::move(cpus);
  findings.push_back(std::move(finding));
}

/// "db1 pins 2-5", for each running VM with pins among `cpus`, and isolation where it is the
/// reason.
std::vector<std::string> holders(const DiagnosisInput& input, const CpuSet& cpus) {
  std::map<std::string, CpuSet> by_name;
  for (const int cpu : cpus.cpus()) {
    const auto found = input.protections.find(cpu);
    const auto* const first = found != input.protections.end() && !found->second.empty()
                                  ? &found->second.front()
                                  : nullptr;
    const auto name = first == nullptr    ? std::string("--housekeeping leaves out")
                      : first->vm.empty() ? fmt::format("{} has", first->source)
                                          : fmt::format("{} pins", printable(first->vm));
    by_name[name].insert(cpu);
  }
  std::vector<std::string> lines;
  lines.reserve(by_name.size());
  for (const auto& [name, held] : by_name) {
    lines.push_back(fmt::format("{} {}", name, held.to_list()));
  }
  shorten(lines, 8);
  return lines;
}

Finding no_housekeeping(const DiagnosisInput& input, std::string title, const CpuSet& cpus) {
  auto finding = make_finding("no-housekeeping-cpu", Severity::warning, std::move(title));
  finding.cost = "vectors have to go to a vCPU's core or to a remote node";
  finding.evidence = holders(input, cpus);
  finding.remedy = {
      "free a core there: pin one of these VMs to one core less (with both its threads), and "
      "leave that core out of isolcpus= and of cpuset partitions",
      "then:",
      "irqtune apply"};
  finding.cpus = cpus;
  std::set<std::string> vms;
  for (const auto& [cpu, reasons] : input.protections) {
    for (const auto& reason : reasons) {
      vms.insert(cpus.contains(cpu) ? reason.vm : std::string{});
    }
  }
  vms.erase("");
  finding.vms.assign(vms.begin(), vms.end());
  return finding;
}

void find_no_housekeeping(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto& host = input.host;
  std::map<NodeId, std::vector<PciAddress>> devices;
  for (const auto& device : host.devices) {
    const bool used = device.passthrough && std::ranges::any_of(host.irqs, [&](const Irq& irq) {
                        return irq.vector && irq.vector->device == device.address;
                      });
    if (used && device.node) {
      devices[*device.node].push_back(device.address);
    }
  }
  const bool any =
      std::ranges::any_of(host.irqs, [](const Irq& irq) { return irq.vector.has_value(); });
  if (any && input.plan.housekeeping.empty()) {
    findings.push_back(no_housekeeping(
        input, "no CPU is left to serve interrupts: all are protected", host.topology.online));
    return;
  }
  for (const auto& node : host.topology.nodes) {
    const auto here = devices.find(node.id);
    if (here == devices.end() || node.cpus.empty() ||
        node.cpus.intersects(input.plan.housekeeping)) {
      continue;
    }
    findings.push_back(no_housekeeping(
        input,
        fmt::format("node {} has {} passed-through device{} and no housekeeping CPU",
                    static_cast<unsigned>(node.id),
                    here->second.size(),
                    here->second.size() == 1 ? "" : "s"),
        node.cpus));
    findings.back().devices = here->second;
  }
}

}  // namespace

void find_room(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_vector_budget(input, findings);
  find_no_housekeeping(input, findings);
}

}  // namespace irqtune::diagnosis
