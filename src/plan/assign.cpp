// SPDX-License-Identifier: Apache-2.0
#include "plan/assign.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "plan/balance.h"
#include "plan/colocate.h"

namespace irqtune::planning {

namespace {

/// The sites a vector may go to: not busy while any other is, and not full.
std::vector<Site> usable(const std::vector<Site>& sites) {
  std::vector<Site> open;
  std::ranges::copy_if(
      sites, std::back_inserter(open), [](const Site& site) { return site.slots > 0; });
  std::vector<Site> calm;
  std::ranges::copy_if(open, std::back_inserter(calm), [](const Site& site) { return !site.busy; });
  return calm.empty() ? open : calm;
}

/// Builds the balancing problem: nodes become groups, home nodes become reaches.
class ProblemBuilder {
 public:
  ProblemBuilder(const Index& index, const std::vector<Site>& sites) : index_(index) {
    for (const auto& site : sites) {
      const auto group = groups_.try_emplace(site.node, groups_.size()).first->second;
      bin_of_cpu_[site.cpu] = problem_.bins.size();
      problem_.bins.push_back(
          {site.cpu, site.core, site.llc.value_or(-1), group, site.first, site.base, site.slots});
    }
    problem_.min_gain = index.policy->min_gain / 100;
    problem_.rebalance = index.policy->rebalance;
  }

  void add(const Item& item) {
    Ball ball;
    ball.weight = item.weight;
    ball.role = item.role;
    ball.reach = reach_of(item.home);
    const auto bin = item.current ? bin_of_cpu_.find(*item.current) : bin_of_cpu_.end();
    if (bin != bin_of_cpu_.end() && reaches(ball.reach, problem_.bins[bin->second].group)) {
      ball.current = bin->second;
      ball.in_place = item.single;
    }
    ball.device = devices_.try_emplace(item.irq->device, devices_.size()).first->second;
    ball.llcs = item.place != nullptr ? &item.place->llcs : nullptr;
    problem_.balls.push_back(ball);
  }

  [[nodiscard]] const Problem& problem() const { return problem_; }

 private:
  [[nodiscard]] bool reaches(std::size_t reach, std::size_t group) const {
    return std::ranges::binary_search(problem_.reaches[reach], group);
  }

  /// The nearest groups: those of equal distance are equally good.
  std::size_t reach_of(std::optional<NodeId> home) {
    const auto [known, added] = reach_of_home_.try_emplace(home, problem_.reaches.size());
    if (added) {
      std::map<int, std::vector<std::size_t>> rings;
      for (const auto& [node, group] : groups_) {
        rings[cost(index_, home, node)].push_back(group);
      }
      auto nearest = rings.empty() ? std::vector<std::size_t>{} : rings.begin()->second;
      std::ranges::sort(nearest);
      problem_.reaches.push_back(std::move(nearest));
    }
    return known->second;
  }

  const Index& index_;
  Problem problem_;
  std::map<std::optional<NodeId>, std::size_t> groups_;
  std::map<std::optional<NodeId>, std::size_t> reach_of_home_;
  std::map<int, std::size_t> bin_of_cpu_;
  std::map<std::optional<PciAddress>, std::size_t> devices_;
};

void block_all(std::vector<Item>& items, Blocked why) {
  for (auto& item : items) {
    if (!item.blocked && !item.target) {
      item.blocked = why;
    }
  }
}

}  // namespace

std::vector<Site> assign(const Index& index, std::vector<Item>& items) {
  colocate(index, items);
  auto sites = make_sites(index, items);
  if (sites.empty()) {
    block_all(items, Blocked::no_candidate);
    return sites;
  }
  const auto open = usable(sites);
  ProblemBuilder builder(index, open);
  std::vector<std::size_t> planned;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].blocked && !items[i].target) {
      planned.push_back(i);
      builder.add(items[i]);
    }
  }
  const auto placement = solve(builder.problem());
  for (std::size_t i = 0; i < planned.size(); ++i) {
    if (placement[i]) {
      items[planned[i]].target = builder.problem().bins[*placement[i]].cpu;
    }
  }
  block_all(items, Blocked::budget);
  return sites;
}

double lower_bound(const Index& index,
                   const std::vector<Item>& items,
                   const std::vector<Site>& sites) {
  static_cast<void>(index);
  double total = 0;
  double bound = 0;
  for (const auto& item : items) {
    if (item.target && item.policy != VmPolicy::colocate) {
      total += item.weight;
      bound = std::max(bound, item.weight);
    }
  }
  for (const auto& site : sites) {
    total += site.base;
    bound = std::max(bound, site.base);
  }
  return sites.empty() ? bound : std::max(bound, total / static_cast<double>(sites.size()));
}

}  // namespace irqtune::planning
