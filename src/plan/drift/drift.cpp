// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/drift.h"

#include "irqtune/core/handler_threads.h"

#include "plan/problem/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace irqtune {

namespace {

/// What tells whether a vector stands on a good CPU.
struct Ground {
  const Plan& plan;
  const Host& host;
  planning::Index index;
};

/// Would the plan bring the vector nearer to its node?
bool comes_nearer(const Ground& ground, const Assignment& assignment) {
  const auto& index = ground.index;
  const auto home = planning::home_node(index,
                                        planning::device_of(index, assignment.device),
                                        planning::owner_of(index, assignment.device));
  const auto farthest = [&](const CpuSet& cpus) {
    int most = 0;
    for (const int cpu : cpus.cpus()) {
      most = std::max(most, planning::cost(index, home, planning::node_of(index, cpu)));
    }
    return most;
  };
  const auto& there = assignment.delivery.cpus;
  return home && farthest(there) > farthest(assignment.to);
}

/// Not to know what a mask is, is no drift where the interrupt is seen at a good place; the plan's
/// warnings say that it is not known.
bool is_off_mask(const Plan& plan, const Assignment& assignment, const CpuSet& good) {
  return assignment.from &&
         (!assignment.from->intersects(good) || assignment.from->intersects(plan.protected_cpus));
}

/// Was this change made for the sake of where the vector is, rather than for a little balance? A
/// vector that still stands where it was applied must not alarm anyone at night for its rate.
bool is_misplaced(const Ground& ground, const Assignment& assignment) {
  const auto& plan = ground.plan;
  const bool to_pool = assignment.to.intersects(plan.pool);
  const auto good = to_pool ? plan.housekeeping | plan.pool : plan.housekeeping;
  const bool unknown = assignment.standing == Standing::unknown;
  const auto* const irq = find_irq(ground.host, assignment.irq);
  const bool astray =
      irq != nullptr && !threads_astray_on(ground.host, *irq, plan.protections).empty();
  return unknown || astray || is_off_mask(plan, assignment, good) ||
         !good.contains_all(assignment.delivery.cpus) || comes_nearer(ground, assignment);
}

/// Who changed the mask, as far as that can be told.
std::string change_reason(const Host& host, const Write& write, const CpuSet& now) {
  const auto& online = host.topology.online;
  if (!write.identity || !is_widened(write.after, now, online)) {
    return "changed since it was applied";
  }
  return fmt::format("cpu{} went offline: the kernel widened the mask{}",
                     write.after.to_list(),
                     write.after.intersects(online) ? "; it is online again" : "");
}

/// The applied masks that are no longer what apply wrote.
std::vector<DriftEntry> drift_of(const std::vector<AppliedMask>& masks, const Host& host) {
  std::vector<DriftEntry> drift;
  for (const auto& [write, irq, now, remade] : masks) {
    // Where one that was made anew stands now is a fresh plan's to judge.
    if (remade || !now || *now == write.after) {
      continue;
    }
    const auto key = write.identity ? write.identity->vector : std::nullopt;
    const auto* owner = key ? find_owner(host, key->device) : nullptr;
    drift.push_back({irq,
                     key,
                     owner == nullptr ? "" : owner->name,
                     write.after,
                     now,
                     change_reason(host, write, *now)});
  }
  return drift;
}

const Assignment* assignment_of(const Plan& plan, const DriftEntry& entry) {
  if (!entry.irq) {
    return nullptr;
  }
  const auto found = std::ranges::lower_bound(plan.assignments, *entry.irq, {}, &Assignment::irq);
  return found != plan.assignments.end() && found->irq == *entry.irq ? &*found : nullptr;
}

/// Would a fresh plan change this mask?
bool is_planned(const Plan& plan, const DriftEntry& entry) {
  if (!entry.irq) {
    return plan.default_affinity && plan.default_affinity->from != plan.default_affinity->to;
  }
  const auto* const assignment = assignment_of(plan, entry);
  return assignment != nullptr && assignment->change;
}

/// Does a fresh plan take the mask for as good as what it would set itself, but for balance?
bool is_accepted(const Ground& ground, const DriftEntry& entry) {
  const auto& wanted = ground.plan.default_affinity;
  if (!entry.irq) {
    return wanted && wanted->from == wanted->to;
  }
  const auto* const assignment = assignment_of(ground.plan, entry);
  if (assignment == nullptr || assignment->blocked.value_or(Blocked::left) != Blocked::left) {
    return false;
  }
  return !assignment->change || !is_misplaced(ground, *assignment);
}

/// Takes those out of the drift that someone moved to another good place: calling them drift would
/// alarm for nothing.
std::vector<DriftEntry> take_moved(const Ground& ground, std::vector<DriftEntry>& drift) {
  // Not std::ranges: clang 14 cannot compile that of libstdc++ 12.
  const auto first =
      std::stable_partition(drift.begin(), drift.end(), [&](const DriftEntry& entry) {
        return !is_accepted(ground, entry);
      });
  std::vector<DriftEntry> moved(first, drift.end());
  drift.erase(first, drift.end());
  return moved;
}

/// Why the plan would change the mask, and that an apply had set it if the kernel took that away.
std::string reason_of(const Assignment& assignment, const std::vector<AppliedMask>& masks) {
  const bool remade = std::ranges::any_of(
      masks, [&](const AppliedMask& mask) { return mask.remade && mask.irq == assignment.irq; });
  return remade ? fmt::format("made anew since: its guest rebooted; {}", assignment.reason)
                : assignment.reason;
}

void add_irqs(const std::vector<DriftEntry>& entries, std::set<IrqNumber>& irqs) {
  for (const auto& entry : entries) {
    if (entry.irq) {
      irqs.insert(*entry.irq);
    }
  }
}

/// The interrupts that are told already.
std::set<IrqNumber> told(const Drift& drift) {
  std::set<IrqNumber> irqs;
  add_irqs(drift.entries, irqs);
  add_irqs(drift.moved, irqs);
  return irqs;
}

/// What the plan would change besides.
void add_from_plan(const Ground& ground, const std::vector<AppliedMask>& masks, Drift& drift) {
  const auto& plan = ground.plan;
  const auto known = told(drift);
  for (const auto& assignment : plan.assignments) {
    if (!assignment.change || known.contains(assignment.irq)) {
      continue;
    }
    auto& list = is_misplaced(ground, assignment) ? drift.entries : drift.elsewhere;
    list.push_back({assignment.irq,
                    assignment.vector,
                    assignment.vm,
                    assignment.to,
                    assignment.from,
                    reason_of(assignment, masks)});
  }
  const auto& wanted = plan.default_affinity;
  const bool default_known = std::ranges::any_of(
      drift.entries, [](const DriftEntry& entry) { return !entry.irq.has_value(); });
  if (wanted && wanted->from && wanted->from != wanted->to && !default_known) {
    drift.entries.push_back({{}, {}, {}, wanted->to, wanted->from, "not the housekeeping CPUs"});
  }
}

/// Says whose interrupt each entry is, for tables and programs.
void name_entries(const Plan& plan, std::vector<DriftEntry>& entries) {
  for (auto& entry : entries) {
    const auto* const assignment = assignment_of(plan, entry);
    if (assignment != nullptr) {
      entry.device = assignment->device;
      entry.actions = assignment->actions;
    }
    if (entry.vector) {
      entry.device = entry.vector->device;
    }
  }
}

/// What is told otherwise is drift too.
void be_exact(Drift& drift) {
  for (auto* const told : {&drift.moved, &drift.elsewhere}) {
    drift.entries.insert(drift.entries.end(), told->begin(), told->end());
    told->clear();
  }
}

}  // namespace

std::vector<Write> in_selection(std::vector<Write> writes, const Plan& plan) {
  if (plan.policy.devices.empty() && plan.policy.vms.empty()) {
    return writes;
  }
  std::erase_if(writes, [&](const Write& write) {
    return !write.identity || !write.identity->vector ||
           std::ranges::find(plan.assignments, write.identity->vector, &Assignment::vector) ==
               plan.assignments.end();
  });
  return writes;
}

std::vector<AppliedMask> vectors_now(const std::vector<Write>& writes, const Host& host) {
  std::vector<AppliedMask> masks;
  for (const auto& write : writes) {
    const bool is_vector = write.identity && write.identity->vector;
    const auto* irq = is_vector ? find_vector(host, *write.identity->vector) : nullptr;
    if (irq != nullptr) {
      const auto& known = write.identity->generation;
      const bool remade = known && irq->generation && *known != *irq->generation;
      masks.push_back({write, irq->number, irq->affinity, remade});
    }
  }
  return masks;
}

Drift find_drift(const Plan& plan,
                 const Host& host,
                 const std::vector<AppliedMask>& masks,
                 Strictness strictness) {
  if (!planning::is_in_order(host)) {
    return find_drift(plan, planning::in_order(host), masks, strictness);
  }
  const Ground ground{plan, host, planning::make_index(host, plan.policy)};
  Drift drift;
  drift.entries = drift_of(masks, host);
  drift.moved = take_moved(ground, drift.entries);
  add_from_plan(ground, masks, drift);
  for (auto* const list : {&drift.entries, &drift.moved, &drift.elsewhere}) {
    name_entries(plan, *list);
  }
  if (strictness == Strictness::exact) {
    be_exact(drift);
  }
  for (auto& entry : drift.entries) {
    entry.by_apply = is_planned(plan, entry);
  }
  std::ranges::stable_sort(drift.entries, {}, &DriftEntry::irq);
  return drift;
}

}  // namespace irqtune
