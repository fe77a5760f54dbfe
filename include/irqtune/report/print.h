// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/plan.h"

#include <iosfwd>

namespace irqtune {

/// As plan_json() of report.h, but printed as it is made: of a big host it is longer than all that
/// is known of the host.
void print_plan_json(std::ostream& out, const Plan& plan);

}  // namespace irqtune
