// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/problem/problem.h"

#include <vector>

namespace irqtune::planning {

struct Assigned {
  std::vector<Site> sites;  ///< The CPUs that may take vectors, without the planned ones.
  double bound = 0;  ///< No plan has a smaller largest load on them: a proof, not an estimate.
};

/// Gives each item a target, or the reason why it has none.
Assigned assign(const Index& index, std::vector<Item>& items);

}  // namespace irqtune::planning
