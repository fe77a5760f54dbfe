// SPDX-License-Identifier: Apache-2.0
#include "cli/checked.h"

#include "irqtune/apply/apply.h"
#include "irqtune/apply/watch_status.h"
#include "irqtune/core/error.h"

#include <fmt/format.h>

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

struct Standing {
  std::vector<Write> writes;
  std::string default_options;
  std::vector<std::string> warnings;
};

/// What was applied, as far as the journals can be read: what cannot is said, and a fresh plan
/// tells the rest.
Standing standing(const Context& context, const Session& session) {
  Standing found;
  if (!may_have_journals(context)) {
    return found;
  }
  try {
    found.writes = standing_writes(session);
    found.default_options = default_options(session);
    for (const auto& journal : unread_journals(session)) {
      found.warnings.push_back(journal + "; a fresh plan tells what it would");
    }
  } catch (const Error& error) {
    found.warnings.push_back(fmt::format(
        "{}: what was applied is not known, a fresh plan tells the rest", error.what()));
  }
  return found;
}

/// What a watch lets go is told: it is not lost, and nobody puts it back at the moment.
std::vector<VectorId> let_go_now(const Context& context, const Session& session) {
  const auto watch = may_have_journals(context) ? running_watch(session) : std::nullopt;
  return watch ? watch->let_go : std::vector<VectorId>{};
}

void tell_let_go(const std::vector<VectorId>& let_go, Checked& checked) {
  for (const auto& vector : let_go) {
    const auto entry =
        std::ranges::find(checked.drift.entries, std::optional(vector), &DriftEntry::vector);
    if (entry != checked.drift.entries.end()) {
      entry->reason += "; let go by the watch for a while";
    }
    checked.planned.plan.warnings.push_back(
        vector.to_string() +
        ": let go by irqtune watch for a while, since another program moves it again and again");
  }
}

}  // namespace

Checked check_host(const Context& context, const PolicyOptions& options, Strictness strictness) {
  Checked checked{plan_for(context, options), {}};
  auto& [host, plan] = checked.planned;
  const auto session = session_of(context, host.id);
  auto applied = standing(context, session);
  std::ranges::move(applied.warnings, std::back_inserter(plan.warnings));
  const auto writes = in_selection(std::move(applied.writes), plan);
  auto masks = vectors_now(writes, host);
  std::ranges::move(others_now(writes, context.sysfs), std::back_inserter(masks));
  checked.drift = find_drift(plan, host, masks, strictness);
  checked.drift.default_options = std::move(applied.default_options);
  tell_let_go(let_go_now(context, session), checked);
  return checked;
}

}  // namespace irqtune
