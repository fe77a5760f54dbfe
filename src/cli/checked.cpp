// SPDX-License-Identifier: Apache-2.0
#include "cli/checked.h"

#include "irqtune/apply/apply.h"
#include "irqtune/plan/drift.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace irqtune {

namespace {

/// Host interrupts' masks are not read for a plan of vectors, so look at those that were applied.
std::vector<AppliedMask> others_now(std::vector<Write> writes, const Sysfs& sysfs) {
  std::erase_if(writes,
                [](const Write& write) { return write.identity && write.identity->vector; });
  return applied_masks(writes, sysfs);
}

}  // namespace

Checked check_host(const Context& context, const PolicyOptions& options) {
  Checked checked{plan_for(context, options), {}};
  const auto& [host, plan] = checked.planned;
  const auto session = session_of(context, host.id);
  const auto applied = may_have_journals(context) ? standing_writes(session) : std::vector<Write>{};
  const auto writes = in_selection(applied, plan);
  auto masks = vectors_now(writes, host);
  std::ranges::move(others_now(writes, context.sysfs), std::back_inserter(masks));
  checked.drift = find_drift(plan, host, masks);
  return checked;
}

}  // namespace irqtune
