// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "plan/describe.h"

namespace irqtune::planning {

std::vector<std::string> warnings(const Index& index,
                                  const std::vector<Item>& items,
                                  const std::vector<Site>& sites) {
  std::vector<std::string> lines;
  const bool stuck = std::ranges::any_of(items, [](const Item& item) {
    return item.blocked == Blocked::no_candidate && item.policy == VmPolicy::avoid;
  });
  if (sites.empty() && stuck) {
    std::string pins;
    for (const auto& vm : index.host->vms) {
      const auto place = index.places.find(&vm);
      if (place != index.places.end()) {
        pins += fmt::format(
            "{}{} pins {}", pins.empty() ? "" : ", ", vm.name, place->second.cpus.to_list());
      }
    }
    lines.push_back(fmt::format(
        "no housekeeping CPU: every online CPU is protected, so nothing moves ({}); free a core",
        pins.empty() ? "by isolation or --avoid" : pins));
  }
  return lines;
}

}  // namespace irqtune::planning
