// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

constexpr std::size_t kMostEvidence = 8;
constexpr double kHot = 10000;  // Interrupts a second on vCPU cores: a core's worth of exits.
constexpr double kNoticed = 1;  // Below, nobody notices.

/// A reason for which a vector had better not be where it is.
struct Spot {
  ProtectionKind kind;
  std::string_view id;
  std::string_view where;
  std::string_view cost;
};

constexpr std::array kSpots = {
    Spot{ProtectionKind::vcpu,
         "vector-on-vcpu",
         "cores that vCPUs run on",
         "each interrupt throws the vCPU that runs there out of its guest"},
    Spot{ProtectionKind::sibling,
         "vector-on-vcpu-sibling",
         "SMT siblings of cores that vCPUs run on",
         "each interrupt's handler takes execution units and cache of the core from the vCPU"},
    Spot{ProtectionKind::isolated,
         "vector-on-isolated",
         "isolated CPUs",
         "what runs there was to be left alone; isolation itself moves no interrupt"}};

/// Whose vectors stand on one kind of spot.
using Groups = std::map<std::string, std::vector<const Irq*>>;

VmPolicy policy_for(const DiagnosisInput& input, const PciAddress& device) {
  const auto& policy = input.plan.policy;
  if (const auto own = policy.device_policies.find(device.to_string());
      own != policy.device_policies.end()) {
    return own->second;
  }
  const auto* vm = find_owner(input.host, device);
  const auto named = vm != nullptr ? policy.vm_policies.find(vm->name) : policy.vm_policies.end();
  return named != policy.vm_policies.end() ? named->second : policy.policy;
}

/// The gravest reason against the CPU: a vCPU's before a sibling's before isolation.
const Spot* spot_of(const ProtectionMap& protections, int cpu) {
  const auto found = protections.find(cpu);
  if (found == protections.end() || found->second.empty()) {
    return nullptr;
  }
  const auto kind = found->second.front().kind;
  if (kind == ProtectionKind::vcpu || kind == ProtectionKind::sibling) {
    return &kSpots[kind == ProtectionKind::vcpu ? 0 : 1];
  }
  return kind == ProtectionKind::user ? nullptr : &kSpots[2];
}

Severity severity_for(const Host& host, double rate, const Spot& spot) {
  if (host.rate_source != RateSource::none && rate < kNoticed) {
    return Severity::info;
  }
  return rate >= kHot && spot.kind == ProtectionKind::vcpu ? Severity::critical : Severity::warning;
}

/// A line for each CPU: who is there, and which interrupts hit it.
std::vector<std::string> evidence_by_cpu(const DiagnosisInput& input,
                                         const std::vector<const Irq*>& irqs) {
  std::map<int, std::vector<const Irq*>> by_cpu;
  for (const auto* irq : irqs) {
    by_cpu[target_cpu(*irq).value_or(0)].push_back(irq);
  }
  std::vector<std::string> lines;
  lines.reserve(by_cpu.size() + 1);
  for (const auto& [cpu, here] : by_cpu) {
    lines.push_back(fmt::format("{}: IRQ {}{}",
                                printable(protection_text(cpu, input.protections.at(cpu).front())),
                                numbers_text(here),
                                rate_note(input.host, rate_of(here))));
  }
  shorten(lines, kMostEvidence);
  lines.emplace_back("read from /proc/irq/N/{smp_affinity_list,effective_affinity_list}");
  return lines;
}

std::vector<std::string> remedy_for(const DiagnosisInput& input,
                                    const std::vector<const Irq*>& irqs) {
  const bool stuck = std::ranges::any_of(irqs, [&](const Irq* irq) {
    const auto found = std::ranges::find(input.plan.assignments, irq->number, &Assignment::irq);
    return found != input.plan.assignments.end() && found->blocked == Blocked::no_candidate;
  });
  if (stuck) {
    return {"no CPU is left to take them: see no-housekeeping-cpu"};
  }
  std::vector<std::string> remedy = {apply_command(input.host, irqs.front()->vector->device)};
  if (input.host.default_affinity &&
      input.host.default_affinity->intersects(vcpu_cpus(input.protections, true))) {
    remedy.emplace_back(
        "after that, vectors that the guest makes anew start where the default mask says: see "
        "default-affinity-on-vcpu");
  }
  return remedy;
}

Finding on_spot(const DiagnosisInput& input,
                const Spot& spot,
                const std::string& holder,
                const std::vector<const Irq*>& irqs) {
  const auto rate = rate_of(irqs);
  auto finding = make_finding(spot.id,
                              severity_for(input.host, rate, spot),
                              fmt::format("{} vector{} of {} interrupt{} {}{}",
                                          irqs.size(),
                                          irqs.size() == 1 ? "" : "s",
                                          holder,
                                          irqs.size() == 1 ? "s" : "",
                                          spot.where,
                                          rate_note(input.host, rate)));
  finding.cost = spot.cost;
  finding.evidence = evidence_by_cpu(input, irqs);
  finding.remedy = remedy_for(input, irqs);
  name_irqs(irqs, finding);
  std::set<std::string> vms;
  for (const auto* irq : irqs) {
    const int cpu = target_cpu(*irq).value_or(0);
    finding.cpus.insert(cpu);
    for (const auto& reason : input.protections.at(cpu)) {
      vms.insert(reason.vm);
    }
    if (const auto* vm = find_owner(input.host, irq->vector->device)) {
      vms.insert(vm->name);
    }
    if (irq->posted == Posted::possible || irq->posted == Posted::unknown) {
      finding.confidence = Confidence::likely;  // Posted to a running vCPU it costs nothing.
    }
  }
  vms.erase("");
  finding.vms.assign(vms.begin(), vms.end());
  return finding;
}

}  // namespace

void find_collisions(const DiagnosisInput& input, std::vector<Finding>& findings) {
  std::array<Groups, kSpots.size()> groups;
  for (const auto& irq : input.host.irqs) {
    const auto cpu = is_served(irq) ? target_cpu(irq) : std::nullopt;
    const auto* spot = cpu ? spot_of(input.protections, *cpu) : nullptr;
    if (spot != nullptr && policy_for(input, irq.vector->device) == VmPolicy::avoid) {
      auto& group = groups.at(static_cast<std::size_t>(spot - kSpots.data()));
      group[holder_name(input.host, irq.vector->device)].push_back(&irq);
    }
  }
  for (std::size_t i = 0; i < kSpots.size(); ++i) {
    for (const auto& [holder, irqs] : groups.at(i)) {
      findings.push_back(on_spot(input, kSpots.at(i), holder, irqs));
    }
  }
}

}  // namespace irqtune::diagnosis

namespace irqtune {

std::vector<Finding> find_placement(const DiagnosisInput& input) {
  std::vector<Finding> findings;
  diagnosis::find_collisions(input, findings);
  diagnosis::find_remote(input, findings);
  diagnosis::find_cpu_placement(input, findings);
  diagnosis::find_room(input, findings);
  diagnosis::find_vm_placement(input, findings);
  return findings;
}

}  // namespace irqtune
