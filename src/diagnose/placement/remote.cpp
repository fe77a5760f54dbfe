// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/delivery.h"
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

/// Where a vector is, on another node than its device, while the plan knows a nearer CPU.
struct Remote {
  NodeId home{};
  NodeId node{};
};

std::optional<NodeId> node_of(const Host& host, std::optional<int> cpu) {
  const auto* found = cpu ? find_cpu(host.topology, *cpu) : nullptr;
  return found != nullptr ? found->node : std::nullopt;
}

int distance_of(const Host& host, NodeId from, NodeId to) {
  constexpr int kFar = 255;  // ACPI: unreachable
  return distance(host.topology, from, to).value_or(from == to ? 10 : kFar);
}

std::optional<Remote> remote_vector(const DiagnosisInput& input, const Irq& irq) {
  const auto* device = is_served(irq) ? find_device(input.host, irq.vector->device) : nullptr;
  const auto node = node_of(input.host, only_cpu(delivery_of(input.host, irq)));
  const auto planned = std::ranges::find(input.plan.assignments, irq.number, &Assignment::irq);
  if (device == nullptr || !device->node || !node || node == device->node ||
      planned == input.plan.assignments.end() || !planned->change) {
    return std::nullopt;
  }
  const auto better = node_of(input.host, planned->to.first());
  const bool nearer = better && distance_of(input.host, *device->node, *better) <
                                    distance_of(input.host, *device->node, *node);
  return nearer ? std::optional(Remote{*device->node, *node}) : std::nullopt;
}

/// Which interrupts go which way, by who has them.
using Ways = std::map<std::tuple<std::string, NodeId, NodeId>, std::vector<const Irq*>>;

std::vector<std::string> evidence_of(const Host& host, const Ways& ways) {
  std::vector<std::string> lines;
  for (const auto& [way, irqs] : ways) {
    const auto& [holder, home, node] = way;
    lines.push_back(
        fmt::format("{}: device on node {}, IRQ {} served on node {} (distance {}, local is 10)",
                    holder,
                    static_cast<unsigned>(home),
                    numbers_text(irqs),
                    static_cast<unsigned>(node),
                    distance_of(host, home, node)));
  }
  shorten(lines, kMostEvidence);
  return lines;
}

/// All vectors that are farther away than they need be.
struct Remotes {
  std::vector<const Irq*> irqs;
  Ways ways;
  std::set<std::string> holders;
  std::set<std::string> vms;
  CpuSet cpus;
};

Remotes find_remotes(const DiagnosisInput& input) {
  Remotes found;
  for (const auto& irq : input.host.irqs) {
    const auto remote = remote_vector(input, irq);
    if (!remote || !is_selected(input, irq.vector->device)) {
      continue;
    }
    const auto holder = holder_name(input.host, irq.vector->device);
    found.ways[{holder, remote->home, remote->node}].push_back(&irq);
    found.irqs.push_back(&irq);
    found.holders.insert(holder);
    found.cpus |= delivery_of(input.host, irq).cpus;
    if (const auto* vm = find_owner(input.host, irq.vector->device)) {
      found.vms.insert(vm->name);
    }
  }
  return found;
}

void find_remote_vectors(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto found = find_remotes(input);
  if (found.irqs.empty()) {
    return;
  }
  const auto rate = rate_of(found.irqs);
  const auto whose = found.holders.size() == 1
                         ? *found.holders.begin()
                         : fmt::format("{} VMs or processes", found.holders.size());
  const bool idle = are_idle(input.host, found.irqs);
  const bool near = std::ranges::all_of(found.ways, [&](const auto& way) {
    return is_one_package(input.host.topology, std::get<1>(way.first), std::get<2>(way.first));
  });
  auto finding =
      make_finding("vector-remote",
                   idle || near ? Severity::info : Severity::warning,
                   fmt::format("{} vector{} of {} served on another NUMA node than the device's{}",
                               found.irqs.size(),
                               found.irqs.size() == 1 ? "" : "s",
                               whose,
                               rate_note(input.host, rate)));
  finding.cost = near ? "the handler's data comes from another part of the same package"
                      : "the handler's data crosses the link between the nodes at each interrupt";
  finding.evidence = evidence_of(input.host, found.ways);
  finding.remedy = {apply_command(input.host, found.irqs)};
  finding.cpus = found.cpus;
  finding.vms.assign(found.vms.begin(), found.vms.end());
  name_irqs(found.irqs, finding);
  findings.push_back(std::move(finding));
}

}  // namespace

void find_remote(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_remote_vectors(input, findings);
}

}  // namespace irqtune::diagnosis
