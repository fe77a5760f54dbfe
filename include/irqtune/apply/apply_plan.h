// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"
#include "irqtune/core/plan.h"
#include "irqtune/sys/sysfs.h"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace irqtune {

/// A plan, and what is to be said before it is carried out.
struct Proposal {
  Plan plan;
  std::string digest;  ///< Of its changes, for the journal.
  std::vector<std::string> warnings;
};

/// What to carry out, and how.
struct ApplyRequest {
  /// Plans, or looks whether a plan that was made before still fits. Throws where that must not be
  /// carried out. Asked again under the lock if another irqtune was at work since the first time:
  /// what it did counts for the balance too.
  std::function<Proposal()> propose;

  /// Hears the warnings before anything is written; of a second proposal only the new ones.
  std::function<void(const std::vector<std::string>&)> tell;

  bool dry_run = false;                    ///< Opens nothing for writing.
  std::chrono::milliseconds lock_wait{0};  ///< How long to wait for another irqtune to end.
  ApplyOptions options;
};

/// What was proposed last, and what became of it.
struct Applied {
  Proposal proposal;
  ApplyReport report;
};

/// Proposes, takes the lock, carries out: apply() with all that has to be true around it. Where
/// there is nothing to write, only another irqtune at work is an error: it may be about to change
/// what is in place. Throws what `propose`, Lock and apply() throw, and Error{applying} if the
/// masks cannot be written at all or a signal came first; nothing is changed then.
[[nodiscard]] Applied apply_plan(const ApplyRequest& request,
                                 const Sysfs& sysfs,
                                 const Session& session);

}  // namespace irqtune
