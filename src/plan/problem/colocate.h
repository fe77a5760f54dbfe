// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/problem/problem.h"

#include <optional>
#include <vector>

namespace irqtune::planning {

/// The online CPUs of the VM's pinned vCPUs that --avoid leaves, those near to `home` first, then
/// in the order of the vCPUs: what a vector under the policy `colocate` may get.
[[nodiscard]] std::vector<int> vcpu_cpus(const Index& index,
                                         const Vm& vm,
                                         std::optional<NodeId> home);

/// Gives each item under the policy `colocate` a CPU of its own VM's pinned vCPUs, or blocks it.
void colocate(const Index& index, std::vector<Item>& items);

}  // namespace irqtune::planning
