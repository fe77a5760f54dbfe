// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply_plan.h"

#include "irqtune/core/error.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace irqtune {

namespace {

bool is_interrupted(const ApplyRequest& request) {
  return request.options.interrupted && request.options.interrupted();
}

/// The proposal, and whether the masks can be written at all.
Proposal proposed(const ApplyRequest& request, const Sysfs& sysfs) {
  auto proposal = request.propose();
  const bool changes = change_count(proposal.plan) > 0 && !sysfs.in_memory();
  const auto why = changes ? why_not_writable(sysfs) : std::nullopt;
  if (why && !request.dry_run) {
    throw Error(ErrorKind::applying, *why);
  }
  if (why) {
    proposal.warnings.push_back(*why);
  }
  return proposal;
}

void tell(const ApplyRequest& request, const std::vector<std::string>& warnings) {
  if (request.tell) {
    request.tell(warnings);
  }
}

void take_lock(const ApplyRequest& request,
               const Session& session,
               bool changes,
               std::optional<Lock>& lock) {
  try {
    lock.emplace(session, request.lock_wait, request.options.clock);
  } catch (const Error& error) {
    if (changes || error.kind() == ErrorKind::busy || is_interrupted(request)) {
      throw;
    }
  }
}

/// Proposes again; what was said already is not said twice.
void propose_again(const ApplyRequest& request, const Sysfs& sysfs, Proposal& proposal) {
  const auto told = std::exchange(proposal, proposed(request, sysfs)).warnings;
  auto fresh = proposal.warnings;
  std::erase_if(
      fresh, [&](const auto& warning) { return std::ranges::find(told, warning) != told.end(); });
  tell(request, fresh);
}

/// `stamp`: the lock's, from before the proposal.
ApplyReport carry_out(const ApplyRequest& request,
                      const Sysfs& sysfs,
                      Session session,
                      const std::string& stamp,
                      Proposal& proposal) {
  if (is_interrupted(request)) {
    throw Error(ErrorKind::applying, "apply: interrupted; nothing was changed");
  }
  std::optional<Lock> lock;
  take_lock(request, session, change_count(proposal.plan) > 0, lock);
  if (!lock) {
    return {};
  }
  if (lock->found() != stamp) {
    propose_again(request, sysfs, proposal);
  }
  session.plan_digest = proposal.digest;
  return apply(writes_for(proposal.plan), sysfs, session, request.options);
}

}  // namespace

Applied apply_plan(const ApplyRequest& request, const Sysfs& sysfs, const Session& session) {
  const auto stamp = lock_stamp(session);
  Applied applied{proposed(request, sysfs), {}};
  auto& proposal = applied.proposal;
  tell(request, proposal.warnings);
  if (request.dry_run) {
    applied.report = dry_run(writes_for(proposal.plan), sysfs);
  } else if (change_count(proposal.plan) > 0 || has_state_dir(session)) {
    applied.report = carry_out(request, sysfs, session, stamp, proposal);
  }
  return applied;
}

}  // namespace irqtune
