// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/drift.h"
#include "irqtune/plan/planner.h"

#include <algorithm>
#include <set>
#include <utility>

namespace irqtune {

namespace {

void leave(Assignment& assignment) {
  assignment.change = false;
  assignment.to = assignment.delivery.cpus.empty() ? assignment.from.value_or(CpuSet{})
                                                   : assignment.delivery.cpus;
  assignment.locality = Locality::unknown;
  assignment.distance.reset();
  assignment.reason = "left: in place for `irqtune check`";
}

/// The default affinity as a plan would set it now, if it has drifted.
std::optional<DefaultAffinity> default_repair(const Plan& plan, const Host& host, bool drifted) {
  if (!drifted || plan.housekeeping.empty()) {
    return std::nullopt;
  }
  return DefaultAffinity{host.default_affinity, plan.housekeeping};
}

}  // namespace

Plan repair_plan(Plan plan, const Host& host, const Drift& drift) {
  std::set<std::optional<IrqNumber>> drifted;
  for (const auto& entry : drift.entries) {
    drifted.insert(entry.irq);
  }
  for (auto& assignment : plan.assignments) {
    if (assignment.change && !drifted.contains(assignment.irq)) {
      leave(assignment);
    }
  }
  plan.default_affinity = default_repair(plan, host, drifted.contains(std::nullopt));
  plan.after = score(host, plan, Moment::after);
  return plan;
}

}  // namespace irqtune
