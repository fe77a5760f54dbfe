// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "plan/model.h"

namespace irqtune::planning {

/// Gives each item a target, or the reason why it has none. Returns the CPUs that could take
/// vectors, as they are without the planned ones.
std::vector<Site> assign(const Index& index, std::vector<Item>& items);

/// Below this largest load of a housekeeping CPU no plan can get: a proof, not an estimate.
[[nodiscard]] double lower_bound(const Index& index,
                                 const std::vector<Item>& items,
                                 const std::vector<Site>& sites);

}  // namespace irqtune::planning
