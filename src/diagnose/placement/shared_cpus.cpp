// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

/// vCPUs that are bound to one and the same CPU: by VM, its vCPUs' ids.
using Bound = std::vector<std::pair<const Vm*, CpuSet>>;

std::size_t count_of(const Bound& bound) {
  std::size_t count = 0;
  for (const auto& [vm, vcpus] : bound) {
    count += vcpus.size();
  }
  return count;
}

/// Adds the vCPU to those that are bound to its one CPU, if it is one.
void add_bound(const DiagnosisInput& input,
               const Vm& vm,
               const Vcpu& vcpu,
               std::map<int, Bound>& found) {
  const auto at = vcpu.cpus ? *vcpu.cpus & input.host.topology.online : CpuSet{};
  if (at.size() != 1) {
    return;
  }
  auto& bound = found[*at.first()];
  if (bound.empty() || bound.back().first != &vm) {
    bound.emplace_back(&vm, CpuSet{});
  }
  bound.back().second.insert(vcpu.id);
}

bool is_selected(const DiagnosisInput& input, const Bound& bound) {
  return std::ranges::any_of(
      bound, [&](const auto& one) { return selects(input.plan.policy.vms, one.first->name); });
}

std::map<int, Bound> bound_by_cpu(const DiagnosisInput& input) {
  std::map<int, Bound> found;
  for (const auto& vm : input.host.vms) {
    for (const auto& vcpu : runs(vm) ? vm.vcpus : std::vector<Vcpu>()) {
      add_bound(input, vm, vcpu, found);
    }
  }
  std::erase_if(found, [&](const auto& entry) {
    return count_of(entry.second) < 2 || !is_selected(input, entry.second);
  });
  return found;
}

void add_names(const Bound& bound, std::vector<std::string>& names) {
  for (const auto& [vm, vcpus] : bound) {
    if (std::ranges::find(names, vm->name) == names.end()) {
      names.push_back(vm->name);
    }
  }
}

/// CPU list -> vCPUs of the VM that are pinned to it, where none of it is online.
std::map<std::string, CpuSet> absent_pins(const Vm& vm, const CpuSet& online) {
  std::map<std::string, CpuSet> pins;
  for (const auto& vcpu : vm.vcpus) {
    const bool absent =
        !online.empty() && vcpu.cpus && !vcpu.cpus->empty() && !vcpu.cpus->intersects(online);
    if (absent) {
      pins[vcpu.cpus->to_list()].insert(vcpu.id);
    }
  }
  return pins;
}

std::string line_of(int cpu, const Bound& bound) {
  std::vector<std::string> who;
  for (const auto& [vm, vcpus] : bound) {
    who.push_back(fmt::format(
        "{} vCPU{} {}", printable(vm->name), vcpus.size() > 1 ? "s" : "", vcpus.to_list()));
  }
  return fmt::format("cpu{}: {}", cpu, fmt::join(who, "; "));
}

}  // namespace

void find_shared_cpus(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto shared = bound_by_cpu(input);
  if (shared.empty()) {
    return;
  }
  auto finding = make_finding("vcpus-share-a-cpu", Severity::warning, {});
  for (const auto& [cpu, bound] : shared) {
    finding.cpus.insert(cpu);
    finding.evidence.push_back(line_of(cpu, bound));
    add_names(bound, finding.vms);
  }
  std::ranges::sort(finding.vms);
  finding.title = fmt::format("several vCPUs are bound to one CPU ({})", short_list(finding.cpus));
  finding.cost = "each waits while another runs, however idle the rest of the host is";
  finding.remedy = {
      "bind each vCPU to a CPU of its own (libvirt: virsh vcpupin VM VCPU CPU --live "
      "--config; else taskset -cp CPU TID)",
      fmt::format("not yet taken: {}", input.plan.housekeeping.to_list())};
  shorten(finding.evidence, kMostEvidence);
  findings.push_back(std::move(finding));
}

void find_absent_pins(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto& online = input.host.topology.online;
  auto finding = make_finding("vcpu-pin-absent", Severity::warning, {});
  for (const auto& vm : input.host.vms) {
    const auto pins = absent_pins(vm, online);
    if (pins.empty() || !selects(input.plan.policy.vms, vm.name)) {
      continue;
    }
    finding.vms.push_back(vm.name);
    for (const auto& [list, vcpus] : pins) {
      finding.evidence.push_back(fmt::format("{}: vCPU{} {} pinned to {}, online are {}",
                                             printable(vm.name),
                                             vcpus.size() > 1 ? "s" : "",
                                             vcpus.to_list(),
                                             list,
                                             online.to_list()));
    }
  }
  if (finding.vms.empty()) {
    return;
  }
  finding.title = fmt::format("{} VM{} pinned to CPUs that are not online",
                              finding.vms.size(),
                              finding.vms.size() == 1 ? " is" : "s are");
  finding.cost = "it does not start, or its vCPUs run anywhere";
  finding.remedy = {
      "bring the CPUs online (echo 1 > /sys/devices/system/cpu/cpuN/online), or pin "
      "to others: virsh vcpupin VM VCPU CPULIST --config"};
  shorten(finding.evidence, kMostEvidence);
  findings.push_back(std::move(finding));
}

}  // namespace irqtune::diagnosis
