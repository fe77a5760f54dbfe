// SPDX-License-Identifier: Apache-2.0
#include "plan/assign.h"

#include "plan/balance.h"
#include "plan/colocate.h"
#include "plan/reach.h"

#include <algorithm>

namespace irqtune::planning {

namespace {

double largest_base(const std::vector<Site>& sites) {
  double largest = 0;
  for (const auto& site : sites) {
    largest = std::max(largest, site.base);
  }
  return largest;
}

/// Of a problem whose nodes overflow nothing is known but that every vector goes somewhere.
double bound_of(const Reachable& reachable) {
  if (!reachable.spills) {
    return load_bound(reachable.problem);
  }
  auto loose = reachable.problem;
  for (auto& bin : loose.bins) {
    bin.group = 0;
  }
  loose.reaches = {{Reach{}}};
  for (auto& ball : loose.balls) {
    ball.reach = 0;
  }
  return load_bound(loose);
}

/// Where no CPU may take vectors.
void block_untargeted(std::vector<Item>& items) {
  for (auto& item : items) {
    if (!item.blocked && !item.target) {
      item.blocked = Blocked::no_candidate;
    }
  }
}

}  // namespace

Assigned assign(const Index& index, std::vector<Item>& items) {
  colocate(index, items);
  Assigned assigned;
  assigned.sites = make_sites(index, items);
  if (assigned.sites.empty()) {
    block_untargeted(items);
    return assigned;
  }
  const auto reachable = make_problem(index, assigned.sites, items);
  const auto placement = solve(reachable.problem);
  for (std::size_t i = 0; i < placement.size(); ++i) {
    auto& item = items[reachable.planned[i]];
    if (placement[i]) {
      item.target = reachable.problem.bins[*placement[i]].cpu;
    } else {
      item.blocked = Blocked::budget;
    }
  }
  assigned.bound = std::max(largest_base(assigned.sites), bound_of(reachable));
  return assigned;
}

}  // namespace irqtune::planning
