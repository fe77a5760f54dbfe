// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/assign.h"

#include "plan/problem/colocate.h"
#include "plan/problem/reach.h"
#include "plan/solve/balance.h"

#include <algorithm>
#include <limits>
#include <map>

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
double loose_bound(const Reachable& reachable) {
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

struct Placed {
  Reachable reachable;  ///< The problem; empty if there was nothing to place.
  double bound = 0;     ///< No placement has a smaller largest load.
};

/// Gives every item that is still to be placed a target or a block.
Placed place(const Index& index,
             const std::vector<Site>& sites,
             std::vector<Item>& items,
             double ceiling) {
  auto reachable = make_problem(index, sites, items);
  reachable.problem.ceiling = ceiling;
  const auto [placement, bound] = solve(reachable.problem);
  for (std::size_t i = 0; i < placement.size(); ++i) {
    auto& item = items[reachable.planned[i]];
    if (placement[i]) {
      item.target = reachable.problem.bins[*placement[i]].cpu;
    } else {
      item.blocked = Blocked::budget;
    }
  }
  const double proven = reachable.spills ? loose_bound(reachable) : bound;
  return {std::move(reachable), proven};
}

/// The largest load of a CPU that takes an item, as placed.
double largest_load(const Reachable& reachable, const std::vector<Item>& items) {
  std::map<int, Bin> bins;
  for (const auto& bin : reachable.problem.bins) {
    bins.emplace(bin.cpu, bin);
  }
  double largest = 0;
  for (const auto i : reachable.planned) {
    if (items[i].target) {
      auto& bin = bins[*items[i].target];
      bin.base += items[i].weight * bin.per_weight;
      largest = std::max(largest, bin.base);
    }
  }
  return largest;
}

/// True of the host's interrupts: once off the protected CPUs, they are out of the scope `evict`.
bool is_evicted(const Item& item) {
  return !item.irq->vector && item.target;
}

/// Forgets what was decided for the passed-through devices' vectors. Those of `colocate`, and
/// those the planner has no say in, keep what they have.
void open_again(std::vector<Item>& items) {
  for (auto& item : items) {
    const bool was_placed = item.target && item.policy != VmPolicy::colocate;
    const bool was_refused = item.blocked == Blocked::budget && item.policy != VmPolicy::colocate;
    if (!is_evicted(item) && (was_placed || was_refused)) {
      item.target.reset();
      item.blocked.reset();
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
  constexpr double kNoCeiling = std::numeric_limits<double>::infinity();
  const auto [reachable, bound] = place(index, assigned.sites, items, kNoCeiling);
  assigned.bound = std::max(largest_base(assigned.sites), bound);
  if (index.policy->scope == Scope::evict && std::ranges::any_of(items, is_evicted)) {
    // The next plan finds the host's interrupts where this one puts them, and fixed. So the
    // vectors are placed once more against just that.
    const double ceiling = largest_load(reachable, items);
    open_again(items);
    place(index, make_sites(index, items), items, ceiling);
  }
  return assigned;
}

}  // namespace irqtune::planning
