// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/model.h"

#include <vector>

namespace irqtune::planning {

/// Gives each item under the policy `colocate` a CPU of its own VM's pinned vCPUs, or blocks it.
void colocate(const Index& index, std::vector<Item>& items);

}  // namespace irqtune::planning
