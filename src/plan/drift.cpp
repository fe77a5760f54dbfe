// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/drift.h"

#include "irqtune/core/handler_threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace irqtune {

namespace {

/// Was this change made for the sake of where the vector is, rather than for a little balance? A
/// vector that still stands where it was applied must not alarm anyone at night for its rate.
bool is_misplaced(const Plan& plan, const Host& host, const Assignment& assignment) {
  const bool to_pool = assignment.to.intersects(plan.pool);
  const auto good = to_pool ? plan.housekeeping | plan.pool : plan.housekeeping;
  const auto* const irq = find_irq(host, assignment.irq);
  return !assignment.from || !assignment.from->intersects(good) ||
         assignment.from->intersects(plan.protected_cpus) ||
         (irq != nullptr && !threads_astray_on(host, *irq, plan.protections).empty());
}

/// The applied masks that are no longer what apply wrote.
std::vector<DriftEntry> drift_of(const std::vector<AppliedMask>& masks,
                                 const Host& host,
                                 std::set<IrqNumber>& in_place) {
  std::vector<DriftEntry> drift;
  for (const auto& [write, irq, now, remade] : masks) {
    if (remade) {
      continue;  // Where it stands now is a fresh plan's to judge.
    }
    if (!now || *now == write.after) {
      in_place.insert(irq.value_or(IrqNumber{}));
      continue;
    }
    const auto key = write.identity ? write.identity->vector : std::nullopt;
    const auto* owner = key ? find_owner(host, key->device) : nullptr;
    drift.push_back({irq,
                     key,
                     owner == nullptr ? "" : owner->name,
                     write.after,
                     now,
                     "changed since it was applied"});
  }
  return drift;
}

/// Would a fresh plan change this mask?
bool is_planned(const Plan& plan, const DriftEntry& entry) {
  if (!entry.irq) {
    return plan.default_affinity && plan.default_affinity->from != plan.default_affinity->to;
  }
  const auto found = std::ranges::find(plan.assignments, *entry.irq, &Assignment::irq);
  return found != plan.assignments.end() && found->change;
}

/// Does a fresh plan take the mask for as good as what it would set itself?
bool is_accepted(const Plan& plan, const DriftEntry& entry) {
  if (!entry.irq) {
    return plan.default_affinity && plan.default_affinity->from == plan.default_affinity->to;
  }
  const auto found = std::ranges::find(plan.assignments, *entry.irq, &Assignment::irq);
  return found != plan.assignments.end() && !found->change &&
         found->blocked.value_or(Blocked::left) == Blocked::left;
}

/// Takes those out of the drift that someone moved to another good place: no apply would move them
/// back, so that calling them drift would never end.
std::vector<DriftEntry> take_moved(const Plan& plan, std::vector<DriftEntry>& drift) {
  // Not std::ranges: clang 14 cannot compile that of libstdc++ 12.
  const auto first =
      std::stable_partition(drift.begin(), drift.end(), [&](const DriftEntry& entry) {
        return !is_accepted(plan, entry);
      });
  std::vector<DriftEntry> moved(first, drift.end());
  drift.erase(first, drift.end());
  for (auto& entry : drift) {
    entry.by_apply = is_planned(plan, entry);
  }
  return moved;
}

/// Not to know what a mask is, is no drift, unless the interrupt is seen where it must not be; the
/// plan's warnings say that it is not known.
bool is_unknown(const Plan& plan, const Assignment& assignment) {
  return !assignment.from &&
         !assignment.from_effective.value_or(CpuSet{}).intersects(plan.protected_cpus);
}

/// Why the plan would change the mask, and that an apply had set it if the kernel took that away.
std::string reason_of(const Assignment& assignment, const std::vector<AppliedMask>& masks) {
  const bool remade = std::ranges::any_of(
      masks, [&](const AppliedMask& mask) { return mask.remade && mask.irq == assignment.irq; });
  return remade ? fmt::format("made anew since: its guest rebooted; {}", assignment.reason)
                : assignment.reason;
}

void add_from_plan(const Plan& plan,
                   const Host& host,
                   const std::vector<AppliedMask>& masks,
                   const std::set<IrqNumber>& in_place,
                   std::vector<DriftEntry>& drift) {
  const auto is_known = [&](std::optional<IrqNumber> irq) {
    return std::ranges::find(drift, irq, &DriftEntry::irq) != drift.end();
  };
  for (const auto& assignment : plan.assignments) {
    const bool applied = in_place.contains(assignment.irq);
    if (!assignment.change || is_unknown(plan, assignment) || is_known(assignment.irq) ||
        (applied && !is_misplaced(plan, host, assignment))) {
      continue;
    }
    drift.push_back({assignment.irq,
                     assignment.vector,
                     assignment.vm,
                     assignment.to,
                     assignment.from,
                     reason_of(assignment, masks)});
  }
  const auto& wanted = plan.default_affinity;
  if (wanted && wanted->from && wanted->from != wanted->to && !is_known(std::nullopt)) {
    drift.push_back({{}, {}, {}, wanted->to, wanted->from, "not the housekeeping CPUs"});
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

Drift find_drift(const Plan& plan, const Host& host, const std::vector<AppliedMask>& masks) {
  std::set<IrqNumber> in_place;
  Drift drift;
  drift.entries = drift_of(masks, host, in_place);
  drift.moved = take_moved(plan, drift.entries);
  add_from_plan(plan, host, masks, in_place, drift.entries);
  std::ranges::stable_sort(drift.entries, {}, &DriftEntry::irq);
  return drift;
}

}  // namespace irqtune
