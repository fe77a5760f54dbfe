// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/drift.h"
#include "irqtune/core/plan.h"

#include <vector>

namespace irqtune {

/// The writes that a plan's options are about: with --device or --vm those of the vectors they
/// select.
[[nodiscard]] std::vector<Write> in_selection(std::vector<Write> writes, const Plan& plan);

/// The vectors among the applied masks as the host was read; one that the guest gave back is left
/// out: when it returns, the plan sees it.
[[nodiscard]] std::vector<AppliedMask> vectors_now(const std::vector<Write>& writes,
                                                   const Host& host);

/// What has drifted of `masks`, the applied ones that the plan's options are about as they are now,
/// and what a fresh plan would change besides for the sake of where an interrupt is. Pure: `check`,
/// `apply --repair` and `watch` go by it.
[[nodiscard]] Drift find_drift(const Plan& plan,
                               const Host& host,
                               const std::vector<AppliedMask>& masks);

}  // namespace irqtune
