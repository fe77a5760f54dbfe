// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "plan/model.h"

namespace irqtune::planning {

/// Gives each item under the policy `colocate` a CPU of its own VM's pinned vCPUs, or blocks it.
void colocate(const Index& index, std::vector<Item>& items);

}  // namespace irqtune::planning
