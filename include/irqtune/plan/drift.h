// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/drift.h"
#include "irqtune/core/plan.h"

#include <cstdint>
#include <vector>

namespace irqtune {

/// The writes that a plan's options are about: with --device or --vm those of the vectors they
/// select.
[[nodiscard]] std::vector<Write> in_selection(std::vector<Write> writes, const Plan& plan);

/// The vectors among the applied masks as the host was read; one that the guest gave back is left
/// out: when it returns, the plan sees it.
[[nodiscard]] std::vector<AppliedMask> vectors_now(const std::vector<Write>& writes,
                                                   const Host& host);

/// What counts as drift.
enum class Strictness : std::uint8_t {
  placed,  ///< What is not on a good CPU: collisions, far nodes, places that are not known.
  exact,   ///< Whatever is not where it was applied, or not where a fresh plan would put it.
};

/// What has drifted of `masks`, the applied ones that the plan's options are about as they are now,
/// and what a fresh plan would change besides for the sake of where an interrupt is. Pure: `check`,
/// `apply --repair` and `watch` go by it.
[[nodiscard]] Drift find_drift(const Plan& plan,
                               const Host& host,
                               const std::vector<AppliedMask>& masks,
                               Strictness strictness = Strictness::placed);

/// `plan` of `host`, less what `drift` does not name: every other vector is left where it is. The
/// default affinity is in it only if `drift` names that. Pure.
[[nodiscard]] Plan repair_plan(Plan plan, const Host& host, const Drift& drift);

}  // namespace irqtune
