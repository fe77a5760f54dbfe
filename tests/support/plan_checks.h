// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"

#include <cstdint>
#include <string>
#include <vector>

namespace irqtune::test {

/// The whole plan as text, for messages and to compare byte for byte.
[[nodiscard]] std::string dump(const Plan& plan);

/// All CPUs that vectors go to, or stay on.
[[nodiscard]] CpuSet targets(const Plan& plan);

/// True if a warning of the plan has `part` in it.
[[nodiscard]] bool warns(const Plan& plan, const std::string& part);

/// What every plan of `host` must keep: each interrupt in scope once; only settable ones change,
/// each to one online, unprotected (but for `colocate`) CPU; never more on a CPU than its budget.
/// One line for each breach.
[[nodiscard]] std::vector<std::string> breaches(const Host& host, const Plan& plan);

/// What planning the planned host would change; empty if nothing, as it must be.
[[nodiscard]] std::string unrest(const Host& host, const Plan& plan);

/// The same host with each of its lists in another order.
[[nodiscard]] Host shuffled(const Host& host, std::uint32_t seed);

}  // namespace irqtune::test
