// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/core/text.h"

#include "cli/support.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <set>

namespace irqtune {

namespace {

/// Was this change made for the sake of where the vector is, rather than for a little balance? A
/// vector that still stands where it was applied must not alarm anyone at night for its rate.
bool is_misplaced(const Plan& plan, const Assignment& assignment) {
  return !assignment.from || !assignment.from->intersects(plan.housekeeping) ||
         assignment.from->intersects(plan.protected_cpus);
}

/// The applied masks that are no longer what apply wrote.
std::vector<DriftEntry> drift_from_journal(const std::vector<Write>& writes,
                                           const Host& host,
                                           std::set<VectorId>& in_place) {
  std::vector<DriftEntry> drift;
  for (const auto& write : writes) {
    if (!write.identity || !write.identity->vector) {
      continue;
    }
    const auto& key = *write.identity->vector;
    const auto* irq = find_vector(host, key);
    if (irq == nullptr) {
      continue;  // The guest gave the vector back; when it returns, the plan below sees it.
    }
    if (!irq->affinity || *irq->affinity == write.after) {
      in_place.insert(key);
      continue;
    }
    const auto* owner = find_owner(host, key.device);
    drift.push_back({irq->number,
                     key,
                     owner == nullptr ? "" : owner->name,
                     write.after,
                     irq->affinity,
                     "changed since it was applied"});
  }
  return drift;
}

void add_from_plan(const Plan& plan,
                   const std::set<VectorId>& in_place,
                   std::vector<DriftEntry>& drift) {
  for (const auto& assignment : plan.assignments) {
    const bool known = std::ranges::any_of(drift, [&](const DriftEntry& entry) {
      return entry.vector && entry.vector == assignment.vector;
    });
    const bool applied = assignment.vector && in_place.contains(*assignment.vector);
    if (!assignment.change || known || (applied && !is_misplaced(plan, assignment))) {
      continue;
    }
    drift.push_back({assignment.irq,
                     assignment.vector,
                     assignment.vm,
                     assignment.to,
                     assignment.from,
                     assignment.reason});
  }
}

}  // namespace

ExitCode run(const CheckOptions& options, const Context& context) {
  const auto planned = plan_for(context, options.policy);
  const auto session = session_of(context, planned.host.id);
  std::set<VectorId> in_place;
  const auto applied =
      may_have_journals(context) ? committed_writes(session) : std::vector<Write>{};
  auto drift = drift_from_journal(applied, planned.host, in_place);
  add_from_plan(planned.plan, in_place, drift);
  std::ranges::stable_sort(drift, {}, &DriftEntry::irq);
  const auto& warnings = planned.plan.warnings;
  print_warnings(context, warnings);
  if (context.call.json) {
    context.out << check_json(planned.plan, drift);
  } else if (!context.call.quiet) {
    context.out << check_text(planned.plan, drift, context.style);
  }
  return drift.empty() ? ExitCode::ok : ExitCode::differs;
}

}  // namespace irqtune
