// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/handler_threads.h"
#include "irqtune/core/text.h"

#include "plan/why/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace irqtune::planning {

namespace {

/// "vCPU 1 of vm1": the first of the reasons why the CPU is protected, without its source.
std::string protector(const Index& index, int cpu) {
  const auto found = index.protections.find(cpu);
  if (found == index.protections.end()) {
    return "";
  }
  const auto& why = found->second.front();
  switch (why.kind) {
    case ProtectionKind::vcpu:
      return vcpus_text(why);
    case ProtectionKind::sibling:
      return "sibling of " + vcpus_text(why);
    case ProtectionKind::user:
      return "--avoid";
    case ProtectionKind::polling:
      return "polled by " + why.source;
    case ProtectionKind::isolated:
    case ProtectionKind::nohz_full:
    case ProtectionKind::cpuset:
      break;
  }
  return std::string(protection_text(why.kind));
}

/// ", no vector was free on 0-1, which it asked for"; empty unless that is why it is where it is.
std::string fallback_words(const Item& item) {
  return item.delivery.state == DeliveryState::fallback
             ? fmt::format("; no vector was free on {}, which it asked for",
                           item.irq->affinity.value_or(CpuSet{}).to_list())
             : std::string{};
}

/// What the plan comes to, for reasons that are about more than one vector.
struct Outcome {
  std::map<int, const Site*> sites;  ///< By CPU.
  std::map<int, double> loads;       ///< Of the sites, as planned.
  std::map<int, int> primaries;      ///< How many are headed to each CPU now.
};

Outcome outcome_of(const std::vector<Item>& items, const std::vector<Site>& sites) {
  Outcome made;
  for (const auto& site : sites) {
    made.sites[site.cpu] = &site;
    made.loads[site.cpu] = site.base;
  }
  for (const auto& item : items) {
    const auto site = item.target ? made.sites.find(*item.target) : made.sites.end();
    if (site != made.sites.end()) {
      made.loads[site->first] += item.weight * site->second->per_weight;
    }
    if (item.current && item.role == Role::primary) {
      ++made.primaries[*item.current];
    }
  }
  return made;
}

/// Why a vector leaves a CPU that is as near and as free as the one it goes to: the hierarchy, or
/// what the two CPUs carry.
std::string why_rearranged(const Item& item, int cpu, const Outcome& outcome) {
  const auto from = outcome.sites.find(cpu);
  const auto to = outcome.sites.find(*item.target);
  if (from == outcome.sites.end() || to == outcome.sites.end()) {
    return "to balance";
  }
  const bool primary = item.role == Role::primary;
  if (!primary && from->second->first && !to->second->first) {
    return "auxiliary: to a sibling thread";
  }
  const auto others = outcome.primaries.find(cpu);
  const bool spare =
      !from->second->first || (others != outcome.primaries.end() && others->second > 1);
  if (primary && to->second->first && spare && !outcome.primaries.contains(to->first)) {
    return "primary: to a core without one";
  }
  if (item.rate.value_or(0) <= 0) {
    return "to balance the number of vectors";
  }
  return fmt::format("to balance: with it {}/s, cpu{} {}/s",
                     rate_text(outcome.loads.at(cpu) + item.weight * from->second->per_weight),
                     to->first,
                     rate_text(outcome.loads.at(to->first)));
}

/// Why the vector cannot stay as it is.
std::string why_move(const Index& index, const Item& item, const Outcome& outcome) {
  const auto& from = item.delivery.cpus;
  if (from.empty()) {
    return "where it is now is unknown";
  }
  for (const int cpu : from.cpus()) {
    if (index.protected_cpus.contains(cpu)) {
      return fmt::format("off cpu{} ({}{})", cpu, protector(index, cpu), fallback_words(item));
    }
  }
  if (item.delivery.state == DeliveryState::fallback) {
    return fmt::format("off cpu{} ({})", *from.first(), fallback_words(item).substr(2));
  }
  if (item.current == item.target) {
    return fmt::format("cpu{} is good: narrowed to it", *item.target);
  }
  const auto cpu = *from.first();
  if (!index.host->topology.online.contains(cpu)) {
    return fmt::format("off cpu{} (offline)", cpu);
  }
  if (index.pool.contains(cpu) && !index.pool.contains(*item.target)) {
    return fmt::format("off cpu{} (a pool's CPU)", cpu);
  }
  if (!(index.housekeeping | index.pool).contains(cpu)) {
    return fmt::format("off cpu{} (not in --housekeeping)", cpu);
  }
  const auto now = cost(index, item.home, node_of(index, cpu));
  if (now > cost(index, item.home, node_of(index, *item.target))) {
    return fmt::format("off cpu{} (remote, distance {})", cpu, now);
  }
  return fmt::format("off cpu{} ({})", cpu, why_rearranged(item, cpu, outcome));
}

std::string node_words(const Index& index, const Item& item, int cpu) {
  const auto node = node_of(index, cpu);
  if (!node) {
    return "no NUMA node";
  }
  const auto number = static_cast<std::uint32_t>(*node);
  if (!item.home) {
    return fmt::format("node {} (device's unknown)", number);
  }
  if (*item.home == *node) {
    return fmt::format("node {}", number);
  }
  return fmt::format(
      "node {}, nearest to {} that can", number, static_cast<std::uint32_t>(*item.home));
}

std::string thread_words(const Index& index, const Site& site) {
  const auto* cpu = find_cpu(index.host->topology, site.cpu);
  if (cpu == nullptr || !cpu->core) {
    return "";
  }
  return fmt::format(", core {} {}", *cpu->core, site.first ? "first" : "sibling");
}

std::string why_blocked(const Index& index, const Item& item) {
  switch (*item.blocked) {
    case Blocked::managed:
      return "managed by the kernel: user space cannot move it";
    case Blocked::no_candidate:
      return item.policy == VmPolicy::colocate ? "stays: its VM has no pinned vCPU to go to"
             : index.policy->housekeeping      ? "stays: --housekeeping leaves no CPU to go to"
                                               : "stays: no housekeeping CPU, all are protected";
    case Blocked::budget:
      return "stays: no CPU it may go to has a vector left";
    case Blocked::left:
      if (item.policy != VmPolicy::leave && item.vm != nullptr && !item.vm->unsure_vcpus.empty()) {
        return "stays: which threads run its VM's vCPUs is not certain";
      }
      break;
  }
  return "left alone by policy";
}

std::string reason_for(const Index& index,
                       const Item& item,
                       const Outcome& outcome,
                       const Assignment& assignment) {
  if (item.blocked) {
    return why_blocked(index, item);
  }
  if (item.policy == VmPolicy::colocate) {
    return fmt::format("{} {}",
                       assignment.change ? "to a CPU of its own vCPUs:" : "in place:",
                       protector(index, *item.target));
  }
  const auto site = outcome.sites.find(*item.target);
  const auto thread = site != outcome.sites.end() ? thread_words(index, *site->second) : "";
  const auto node = node_words(index, item, *item.target);
  if (!assignment.change) {
    return fmt::format("in place: on a housekeeping CPU, {}{}", node, thread);
  }
  const auto astray = threads_astray_on(*index.host, *item.irq, index.protections);
  if (!astray.empty() && assignment.from == assignment.to) {
    return fmt::format(
        "threads_astray: its handler's thread may run on {}; writing its mask again brings it back",
        astray.to_list());
  }
  return fmt::format("{}; {}{}", why_move(index, item, outcome), node, thread);
}

}  // namespace

Nearness nearness_of(const Index& index, const Item& item, const CpuSet& cpus) {
  Nearness nearness;
  bool shares = item.place != nullptr && !cpus.empty();
  bool remote = false;
  for (const int number : cpus.cpus()) {
    const auto* cpu = find_cpu(index.host->topology, number);
    shares = shares && cpu != nullptr && cpu->llc &&
             std::ranges::binary_search(item.place->llcs, *cpu->llc);
    const auto node = cpu != nullptr ? cpu->node : std::nullopt;
    if (!item.home || !node) {
      continue;
    }
    remote = remote || node != item.home;
    const auto far = distance(index.host->topology, *item.home, *node);
    nearness.distance = far ? std::max(nearness.distance.value_or(0), *far) : nearness.distance;
  }
  if (remote) {
    nearness.locality = Locality::remote;
  } else if (shares) {
    nearness.locality = Locality::llc;
  } else if (item.home && !cpus.empty()) {
    nearness.locality = Locality::node;
  }
  return nearness;
}

void add_reasons(const Index& index,
                 const std::vector<Item>& items,
                 const std::vector<Site>& sites,
                 std::vector<Assignment>& assignments) {
  const auto outcome = outcome_of(items, sites);
  for (std::size_t i = 0; i < items.size(); ++i) {
    assignments[i].reason = reason_for(index, items[i], outcome, assignments[i]);
  }
}

}  // namespace irqtune::planning
