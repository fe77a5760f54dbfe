// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

/// Cores of other VMs that a vCPU may come to run on.
CpuSet trespass(const Host& host, const Vm& vm, const CpuSet& dedicated) {
  CpuSet cpus;
  for (const auto& vcpu : vm.vcpus) {
    cpus |= !vcpu.pinned && vcpu.cpus ? *vcpu.cpus & dedicated : CpuSet{};
  }
  // The scheduler puts no thread on an isolated CPU by itself.
  return cpus - host.topology.isolated - pins_of(vm);
}

/// What is said of VMs whose vCPUs float.
struct Floating {
  std::vector<std::string> lines;
  std::vector<const Vm*> vms;
  CpuSet over;  ///< Cores of pinned vCPUs that they may come to run on.
};

Floating floating_vms(const DiagnosisInput& input) {
  const auto dedicated = dedicated_cpus(input.host);
  Floating found;
  for (const auto& vm : input.host.vms) {
    const auto over = trespass(input.host, vm, dedicated);
    const bool known =
        std::ranges::any_of(vm.vcpus, [](const Vcpu& vcpu) { return !vcpu.pinned && vcpu.cpus; });
    if (!runs(vm) || !known || (vm.devices.empty() && over.empty()) ||
        !selects(input.plan.policy.vms, vm.name)) {
      continue;
    }
    found.vms.push_back(&vm);
    found.over |= over;
    found.lines.push_back(fmt::format(
        "{}: {} of {} vCPUs not pinned{}{}",
        printable(vm.name),
        std::ranges::count(vm.vcpus, false, &Vcpu::pinned),
        vm.vcpus.size(),
        vm.devices.empty()
            ? ""
            : fmt::format(", {} device{}", vm.devices.size(), vm.devices.size() == 1 ? "" : "s"),
        over.empty() ? "" : fmt::format(", may run on {}", over.to_list())));
  }
  return found;
}

/// For VMs that no manager pins.
std::string pin_threads(const std::vector<const Vm*>& vms) {
  constexpr std::size_t kFew = 8;
  const auto threads = vms.size() == 1 ? vcpu_threads(*vms.front()) : std::vector<int>{};
  return fmt::format(
      "without libvirt, while it runs: taskset -cp CPULIST TID for each vCPU's thread ({})",
      threads.empty() || threads.size() > kFew ? "`irqtune show vms --json`: tid"
                                               : fmt::format("{}", fmt::join(threads, ", ")));
}

/// How each kind of VM is pinned, for the kinds that are there.
std::vector<std::string> pin_steps(const std::vector<const Vm*>& vms, const std::string& free) {
  const auto any = [&](std::string_view source) {
    return std::ranges::any_of(vms, [&](const Vm* vm) { return is_from(*vm, source); });
  };
  const bool others = std::ranges::any_of(
      vms, [](const Vm* vm) { return !is_from(*vm, "libvirt") && !is_from(*vm, "proxmox"); });
  const auto name = vms.size() == 1 ? shell_word(vms.front()->name) : std::string("VM");
  std::vector<std::string> steps;
  if (any("libvirt")) {
    steps.push_back(fmt::format("each vCPU: virsh vcpupin {} VCPU CPULIST --live --config", name));
  }
  if (any("proxmox")) {
    steps.emplace_back("Proxmox, one list for all threads: qm set VMID --affinity CPULIST");
  }
  if (others) {
    steps.push_back(pin_threads(vms));
  }
  if (!free.empty()) {
    steps.push_back(fmt::format("not yet taken: {}", free));
  }
  return steps;
}

void find_unpinned(const DiagnosisInput& input, std::vector<Finding>& findings) {
  auto found = floating_vms(input);
  if (found.vms.empty()) {
    return;
  }
  const bool over = !found.over.empty();
  auto finding = make_finding(
      "vm-unpinned",
      over ? Severity::warning : Severity::info,
      over ? fmt::format("vCPUs that are not pinned may run on cores of pinned ones ({})",
                         short_list(found.over))
           : fmt::format("{} VM{} with passed-through devices run{} on no core of its own",
                         found.vms.size(),
                         found.vms.size() == 1 ? "" : "s",
                         found.vms.size() == 1 ? "s" : ""));
  finding.cost = over ? "the pinned vCPU waits while the other runs"
                      : "no core can be kept clear of interrupts for it";
  finding.remedy = pin_steps(found.vms, input.plan.housekeeping.to_list());
  finding.evidence = std::move(found.lines);
  shorten(finding.evidence, kMostEvidence);
  for (const auto* vm : found.vms) {
    finding.vms.push_back(vm->name);
  }
  finding.cpus = found.over;
  findings.push_back(std::move(finding));
}

/// CPUs between which the scheduler moves nothing.
CpuSet unbalanced_cpus(const Topology& topology) {
  auto cpus = topology.isolated;
  for (const auto& partition : topology.partitions) {
    cpus |= partition.cpus;
  }
  return cpus;
}

/// The vCPUs of a VM that share several isolated CPUs with each other.
std::vector<const Vcpu*> piled_up(const Vm& vm, const CpuSet& unbalanced, const CpuSet& online) {
  std::vector<const Vcpu*> piled;
  for (const auto& vcpu : vm.vcpus) {
    const auto at = vcpu.cpus ? *vcpu.cpus & online : CpuSet{};
    if (vcpu.pinned && at.size() > 1 && unbalanced.contains_all(at)) {
      piled.push_back(&vcpu);
    }
  }
  const bool shared = std::ranges::any_of(piled, [&](const Vcpu* one) {
    return std::ranges::count_if(
               piled, [&](const Vcpu* other) { return other->cpus->intersects(*one->cpus); }) > 1;
  });
  return shared ? piled : std::vector<const Vcpu*>{};
}

/// A CPU for each vCPU, as a shell's loop; empty if there are not enough.
std::string spread_command(const Vm& vm, const std::vector<const Vcpu*>& piled) {
  std::string pairs;
  CpuSet taken;
  const bool libvirt = is_from(vm, "libvirt");
  for (const auto* vcpu : piled) {
    const auto cpu = (*vcpu->cpus - taken).first();
    if (!cpu || (!libvirt && !vcpu->tid)) {
      return {};
    }
    taken.insert(*cpu);
    pairs += fmt::format(" {}:{}", libvirt ? vcpu->id : *vcpu->tid, *cpu);
  }
  return libvirt ? fmt::format(
                       "for p in{}; do virsh vcpupin {} ${{p%:*}} ${{p#*:}} --live --config; done",
                       pairs,
                       shell_word(vm.name))
                 : fmt::format("for p in{}; do taskset -cp ${{p#*:}} ${{p%:*}}; done", pairs);
}

void find_isolated_pools(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto& topology = input.host.topology;
  const auto unbalanced = unbalanced_cpus(topology);
  for (const auto& vm : input.host.vms) {
    const auto piled =
        runs(vm) ? piled_up(vm, unbalanced, topology.online) : std::vector<const Vcpu*>{};
    if (piled.empty() || !selects(input.plan.policy.vms, vm.name)) {
      continue;
    }
    auto finding = make_finding(
        "vcpu-pool-isolated",
        Severity::warning,
        fmt::format("{} vCPUs of {} share isolated CPUs, between which the scheduler moves nothing",
                    piled.size(),
                    printable(vm.name)));
    finding.cost = "they pile up on one CPU while the others of the list idle";
    for (const auto* vcpu : piled) {
      finding.cpus |= *vcpu->cpus;
    }
    finding.evidence = {fmt::format("vCPU {} and others may run on {} ({})",
                                    piled.front()->id,
                                    piled.front()->cpus->to_list(),
                                    piled.front()->source),
                        fmt::format("isolated from load balancing: {}", unbalanced.to_list())};
    if (auto command = spread_command(vm, piled); !command.empty()) {
      finding.remedy = {"pin each to one CPU of the list:", std::move(command)};
    }
    finding.remedy.emplace_back(
        finding.remedy.empty()
            ? "take domain off isolcpus= (managed_irq alone is right for a pool), or use a cpuset "
              "partition of type root"
            : "or take domain off isolcpus= (managed_irq alone is right for a pool)");
    finding.vms = {vm.name};
    findings.push_back(std::move(finding));
  }
}

}  // namespace

void find_vcpu_threads(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_unpinned(input, findings);
  find_isolated_pools(input, findings);
}

}  // namespace irqtune::diagnosis
