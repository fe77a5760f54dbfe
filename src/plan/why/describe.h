// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/problem/problem.h"

#include <optional>
#include <string>
#include <vector>

namespace irqtune::planning {

struct Nearness {
  Locality locality = Locality::unknown;
  std::optional<int> distance;
};

/// How near `cpus` are to where the item should be; of several CPUs the farthest counts.
[[nodiscard]] Nearness nearness_of(const Index& index, const Item& item, const CpuSet& cpus);

/// Fills in Assignment::reason. `assignments` are those of `items`, in the same order.
void add_reasons(const Index& index,
                 const std::vector<Item>& items,
                 const std::vector<Site>& sites,
                 std::vector<Assignment>& assignments);

/// That the plan makes the busiest CPU busier than it was, by how much and why; empty if not.
[[nodiscard]] std::optional<std::string> busier_text(const Index& index,
                                                     const std::vector<Item>& items,
                                                     const Plan& plan);

/// What the user should know beside the assignments, one line each, none twice.
[[nodiscard]] std::vector<std::string> warnings(const Index& index,
                                                const std::vector<Item>& items,
                                                const std::vector<Site>& sites);

/// VMs that run on other nodes than devices of theirs, one line each.
[[nodiscard]] std::vector<std::string> misplaced_vms(const Index& index,
                                                     const std::vector<Item>& items);

}  // namespace irqtune::planning
