// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/delivery.h"
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

constexpr double kHot = 10000;  // Interrupts a second on vCPU cores: a core's worth of exits.

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

/// Vectors on one kind of spot, by who has them.
using Groups = std::map<std::string, std::vector<const Irq*>>;

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

/// The CPU with the gravest reason of those that take the interrupt; empty optional if none has
/// any.
std::optional<int> hit_cpu(const DiagnosisInput& input, const Irq& irq) {
  const auto cpus = delivery_of(input.host, irq).cpus.cpus();
  const auto gravity = [&](int cpu) {
    const auto* spot = spot_of(input.protections, cpu);
    return spot != nullptr ? spot - kSpots.data() : std::ptrdiff_t{kSpots.size()};
  };
  const auto worst = std::ranges::min_element(cpus, {}, gravity);
  return worst != cpus.end() && spot_of(input.protections, *worst) != nullptr
             ? std::optional(*worst)
             : std::nullopt;
}

/// By the holder with the most: ten VMs with a few interrupts each are no catastrophe.
Severity severity_for(const Host& host, const Groups& groups, const Spot& spot) {
  double most = 0;
  bool idle = true;
  for (const auto& [holder, irqs] : groups) {
    most = std::max(most, rate_of(irqs));
    idle = idle && are_idle(host, irqs);
  }
  if (idle) {
    return Severity::info;
  }
  return most >= kHot && spot.kind == ProtectionKind::vcpu ? Severity::critical : Severity::warning;
}

/// A line for each CPU: who is there, and which interrupts hit it.
std::vector<std::string> evidence_by_cpu(const DiagnosisInput& input,
                                         const std::vector<const Irq*>& irqs) {
  std::map<int, std::vector<const Irq*>> by_cpu;
  for (const auto* irq : irqs) {
    by_cpu[hit_cpu(input, *irq).value_or(0)].push_back(irq);
  }
  std::vector<std::string> lines;
  lines.reserve(by_cpu.size());
  for (const auto& [cpu, here] : by_cpu) {
    lines.push_back(fmt::format("{}: IRQ {}{}",
                                printable(protection_text(cpu, input.protections.at(cpu).front())),
                                numbers_text(here),
                                rate_note(input.host, rate_of(here))));
  }
  return lines;
}

CpuSet targets_of(const DiagnosisInput& input, const std::vector<const Irq*>& irqs) {
  CpuSet cpus;
  for (const auto* irq : irqs) {
    cpus.insert(hit_cpu(input, *irq).value_or(0));
  }
  return cpus;
}

std::string victims_text(const DiagnosisInput& input, const CpuSet& cpus) {
  constexpr std::size_t kFew = 3;
  std::set<std::string> victims;
  for (const int cpu : cpus.cpus()) {
    victims.insert(printable(input.protections.at(cpu).front().vm));
  }
  victims.erase("");
  return victims.empty()          ? std::string{}
         : victims.size() <= kFew ? fmt::format(" of {}", fmt::join(victims, ", "))
                                  : fmt::format(" of {} VMs", victims.size());
}

/// A line for each holder, the one with the most first.
std::vector<std::string> evidence_by_holder(const DiagnosisInput& input, const Groups& groups) {
  std::vector<std::pair<double, std::string>> lines;
  for (const auto& [holder, irqs] : groups) {
    const auto rate = rate_of(irqs);
    const auto cpus = targets_of(input, irqs);
    lines.emplace_back(rate,
                       fmt::format("{}: {} on {}{}{}",
                                   holder,
                                   list_or_count("IRQ", numbers_text(irqs), irqs.size(), "vector"),
                                   list_or_count("CPUs", cpus.to_list(), cpus.size(), "CPU"),
                                   victims_text(input, cpus),
                                   rate_note(input.host, rate)));
  }
  std::ranges::stable_sort(lines, std::greater<>(), [](const auto& line) { return line.first; });
  std::vector<std::string> texts;
  std::ranges::transform(lines, std::back_inserter(texts), [](auto& line) { return line.second; });
  return texts;
}

/// What the plan cannot move, and why.
struct Stuck {
  std::vector<const Irq*> no_candidate;
  std::vector<const Irq*> budget;
  std::vector<const Irq*> managed;
};

Stuck stuck_of(const DiagnosisInput& input, const std::vector<const Irq*>& irqs) {
  Stuck stuck;
  for (const auto* irq : irqs) {
    const auto planned = std::ranges::find(input.plan.assignments, irq->number, &Assignment::irq);
    const auto blocked =
        planned != input.plan.assignments.end() ? planned->blocked : std::optional<Blocked>{};
    if (blocked == Blocked::no_candidate) {
      stuck.no_candidate.push_back(irq);
    } else if (blocked == Blocked::budget) {
      stuck.budget.push_back(irq);
    } else if (blocked == Blocked::managed) {
      stuck.managed.push_back(irq);
    }
  }
  return stuck;
}

std::vector<std::string> remedy_for(const DiagnosisInput& input,
                                    const std::vector<const Irq*>& irqs) {
  const auto stuck = stuck_of(input, irqs);
  const auto stays = stuck.no_candidate.size() + stuck.budget.size() + stuck.managed.size();
  std::vector<std::string> remedy;
  if (stays < irqs.size()) {
    remedy.push_back(apply_command(input.host, irqs));
  }
  const auto add = [&](const std::vector<const Irq*>& stuck_here, std::string_view why) {
    if (!stuck_here.empty()) {
      remedy.push_back(
          fmt::format("{}: {}",
                      list_or_count("IRQ", numbers_text(stuck_here), stuck_here.size(), "vector"),
                      why));
    }
  };
  add(stuck.no_candidate, "no CPU is left to take them, see no-housekeeping-cpu");
  add(stuck.budget, "they do not fit on the housekeeping CPUs, see vector-budget");
  add(stuck.managed, "the kernel lets nobody move them");
  if (stays < irqs.size() && input.host.default_affinity &&
      input.host.default_affinity->intersects(vcpu_cpus(input.protections, true))) {
    remedy.emplace_back(
        "after that, vectors that the guest makes anew start where the default mask says: see "
        "default-affinity-on-vcpu");
  }
  return remedy;
}

/// "2 vectors of db1", "40 vectors of 3 VMs"
std::string whose_text(const Host& host, const Groups& groups, std::size_t count) {
  const auto& [first, irqs] = *groups.begin();
  const bool all_vms = std::ranges::all_of(groups, [&](const auto& group) {
    return find_owner(host, group.second.front()->vector->device) != nullptr;
  });
  const auto whose = groups.size() == 1 ? first
                     : all_vms          ? fmt::format("{} VMs", groups.size())
                                        : fmt::format("{} VMs and processes", groups.size());
  return fmt::format("{} vector{} of {}", count, count == 1 ? "" : "s", whose);
}

void name_vms(const DiagnosisInput& input, const std::vector<const Irq*>& irqs, Finding& finding) {
  std::set<std::string> vms;
  for (const auto* irq : irqs) {
    for (const auto& reason : input.protections.at(hit_cpu(input, *irq).value_or(0))) {
      vms.insert(reason.vm);
    }
    if (const auto* vm = find_owner(input.host, irq->vector->device)) {
      vms.insert(vm->name);
    }
  }
  vms.erase("");
  finding.vms.assign(vms.begin(), vms.end());
}

/// Why they are outside their masks, where they are.
void add_fallback(const DiagnosisInput& input,
                  const std::vector<const Irq*>& irqs,
                  Finding& finding) {
  std::vector<const Irq*> astray;
  CpuSet asked;
  for (const auto* irq : irqs) {
    if (delivery_of(input.host, *irq).state == DeliveryState::fallback) {
      astray.push_back(irq);
      asked |= irq->affinity.value_or(CpuSet{});
    }
  }
  if (!astray.empty()) {
    finding.evidence.push_back(
        fmt::format("IRQ {}: no vector was free on what {} asked for ({}), so the kernel took "
                    "another CPU; see effective-outside-mask",
                    numbers_text(astray),
                    astray.size() == 1 ? "it" : "they",
                    asked.to_list()));
  }
}

/// One finding for all on one kind of spot: its remedy is one command.
Finding on_spot(const DiagnosisInput& input, const Spot& spot, const Groups& groups) {
  std::vector<const Irq*> irqs;
  for (const auto& [holder, own] : groups) {
    irqs.insert(irqs.end(), own.begin(), own.end());
  }
  auto finding = make_finding(spot.id,
                              severity_for(input.host, groups, spot),
                              fmt::format("{} interrupt{} {}{}",
                                          whose_text(input.host, groups, irqs.size()),
                                          irqs.size() == 1 ? "s" : "",
                                          spot.where,
                                          rate_note(input.host, rate_of(irqs))));
  finding.cost = spot.cost;
  finding.evidence =
      groups.size() == 1 ? evidence_by_cpu(input, irqs) : evidence_by_holder(input, groups);
  shorten(finding.evidence, kMostEvidence);
  add_fallback(input, irqs, finding);
  finding.evidence.emplace_back(
      "read from /proc/irq/N/{smp_affinity_list,effective_affinity_list}");
  finding.remedy = remedy_for(input, irqs);
  finding.cpus = targets_of(input, irqs);
  const bool may_be_posted = std::ranges::any_of(irqs, [](const Irq* irq) {
    return irq->posted == Posted::possible || irq->posted == Posted::unknown;
  });
  if (may_be_posted) {
    finding.confidence = Confidence::likely;  // Posted to a running vCPU it costs nothing.
  }
  name_irqs(irqs, finding);
  name_vms(input, irqs, finding);
  return finding;
}

/// --vm selects vectors of these VMs, and vectors on their cores.
bool is_selected(const DiagnosisInput& input, const Irq& irq, int cpu) {
  const auto& policy = input.plan.policy;
  const auto* owner = find_owner(input.host, irq.vector->device);
  return selects(policy.devices, irq.vector->device.to_string()) &&
         ((owner != nullptr && selects(policy.vms, owner->name)) || policy.vms.empty() ||
          std::ranges::any_of(input.protections.at(cpu), [&](const Protection& reason) {
            return !reason.vm.empty() && selects(policy.vms, reason.vm);
          }));
}

}  // namespace

void find_collisions(const DiagnosisInput& input, std::vector<Finding>& findings) {
  std::array<Groups, kSpots.size()> groups;
  for (const auto& irq : input.host.irqs) {
    const auto cpu = is_served(irq) ? hit_cpu(input, irq) : std::nullopt;
    const auto* spot = cpu ? spot_of(input.protections, *cpu) : nullptr;
    if (spot != nullptr && is_to_avoid(input, irq.vector->device) &&
        is_selected(input, irq, *cpu)) {
      auto& group = groups.at(static_cast<std::size_t>(spot - kSpots.data()));
      group[holder_name(input.host, irq.vector->device)].push_back(&irq);
    }
  }
  for (std::size_t i = 0; i < kSpots.size(); ++i) {
    if (!groups.at(i).empty()) {
      findings.push_back(on_spot(input, kSpots.at(i), groups.at(i)));
    }
  }
}

}  // namespace irqtune::diagnosis
