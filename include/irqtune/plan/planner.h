// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"

#include <string>
#include <vector>

namespace irqtune {

/// Where each vector in the policy's scope should go, and why.
///
/// Pure and total: no I/O, no clock, no randomness; equal inputs give equal plans, whatever the
/// order of the lists in `host`. Keeps the seven promises of docs/planning.md; reasons are in each
/// Assignment.
[[nodiscard]] Plan make_plan(const Host& host, const Policy& policy);

/// What stands as it is whatever is planned, and is told once and not with each run: VMs that run
/// on other nodes than devices of theirs.
[[nodiscard]] std::vector<std::string> standing_conditions(const Host& host, const Policy& policy);

/// The host as it would be if `plan` were carried out: masks and effective CPUs set. Rates follow
/// their vectors. For tests and for `check`.
[[nodiscard]] Host planned_host(const Host& host, const Plan& plan);

enum class Moment : std::uint8_t { before, after };

/// The state of the vectors in `plan` on `host`, as they are or as they are planned. Reads the
/// assignments and the CPU sets of `plan`, not its scores.
[[nodiscard]] Score score(const Host& host, const Plan& plan, Moment moment);

}  // namespace irqtune
