// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/finding.h"
#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"
#include "irqtune/core/protection.h"
#include "irqtune/core/settings.h"

#include <vector>

namespace irqtune {

/// What `diagnose` looks at. Nothing is owned.
struct DiagnosisInput {
  const Host& host;
  const ProtectionMap& protections;
  const Plan& plan;  ///< What a fresh plan wants: its bounds, its reasons, what it cannot place.
  const Settings& settings;
};

/// Everything that hurts on the host, worst first, then by id. Pure; the same input gives the same
/// findings in the same order.
[[nodiscard]] std::vector<Finding> diagnose(const DiagnosisInput& input);

// The families of findings, one file each; in their own order.
[[nodiscard]] std::vector<Finding> find_sharing(const DiagnosisInput& input);
[[nodiscard]] std::vector<Finding> find_placement(const DiagnosisInput& input);
[[nodiscard]] std::vector<Finding> find_posting(const DiagnosisInput& input);
[[nodiscard]] std::vector<Finding> find_conflicts(const DiagnosisInput& input);
[[nodiscard]] std::vector<Finding> find_settings(const DiagnosisInput& input);

}  // namespace irqtune
