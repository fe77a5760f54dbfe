// SPDX-License-Identifier: Apache-2.0
#include "plan/problem/reach.h"

#include "irqtune/core/load.h"

#include "plan/solve/flow/transport.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

namespace irqtune::planning {

namespace {

/// The nodes whose housekeeping CPUs are all busy. A busy CPU is not a full one: such a node's
/// pool is no way out, the next node is.
std::set<std::optional<NodeId>> busy_nodes(const std::vector<Site>& sites) {
  std::set<std::optional<NodeId>> busy;
  std::set<std::optional<NodeId>> calm;
  for (const auto& site : sites) {
    if (!site.pool && site.slots > 0) {
      (site.busy ? busy : calm).insert(site.node);
    }
  }
  for (const auto& node : calm) {
    busy.erase(node);
  }
  return busy;
}

/// True if the sites below the threshold of busyness have slots for so many vectors.
bool fits_calm(const std::vector<Site>& sites, std::size_t vectors) {
  const auto busy = busy_nodes(sites);
  std::size_t slots = 0;
  for (const auto& site : sites) {
    const bool spared = site.busy || (site.pool && busy.contains(site.node));
    slots += spared ? 0 : std::min(site.slots, vectors);
  }
  return slots >= vectors;
}

/// CPUs of one node that are equally good for a vector.
struct Place {
  std::optional<NodeId> node;
  bool pool = false;
  bool low_power = false;

  friend bool operator<(const Place& a, const Place& b) {
    return std::tie(a.pool, a.low_power, a.node) < std::tie(b.pool, b.low_power, b.node);
  }
};

/// Vectors that may go to the same places.
struct Kind {
  std::optional<NodeId> home;
  bool spares_low_power = false;

  friend bool operator<(const Kind& a, const Kind& b) {
    return std::tie(a.home, a.spares_low_power) < std::tie(b.home, b.spares_low_power);
  }
};

/// The sites that vectors may go to: with slots left, and not busy as long as the others do. A core
/// that has its primary keeps that for its first thread, even if no more fits there.
std::vector<Site> usable(const std::vector<Site>& sites, std::size_t vectors) {
  const bool spares_busy = fits_calm(sites, vectors);
  const auto busy = spares_busy ? busy_nodes(sites) : std::set<std::optional<NodeId>>{};
  std::vector<Site> chosen;
  std::set<std::pair<int, bool>> cores;
  for (auto site : sites) {
    const bool spared = spares_busy && (site.busy || (site.pool && busy.contains(site.node)));
    if (spared || (site.slots == 0 && !site.covered)) {
      continue;
    }
    site.first = cores.insert({site.core, site.pool}).second;
    site.covered = site.covered && site.first;
    site.slots = std::min(site.slots, vectors);
    if (site.slots > 0) {
      chosen.push_back(site);
    }
  }
  return chosen;
}

class Builder {
 public:
  Builder(const Index& index, const std::vector<Site>& sites, std::vector<Item>& items)
      : index_(index), items_(items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!items[i].blocked && !items[i].target) {
        planned_.push_back(i);
      }
    }
    add_bins(usable(sites, planned_.size()));
    block_overflow();
  }

  Reachable run() {
    std::map<Kind, std::size_t> reach_of_kind;
    for (const auto i : planned_) {
      const Kind kind{items_[i].home, has_low_power_ && items_[i].role == Role::primary};
      if (reach_of_kind.try_emplace(kind, kinds_.size()).second) {
        kinds_.push_back(kind);
        problem_.reaches.push_back(ring(kind));
      }
      add_ball(items_[i], reach_of_kind[kind]);
    }
    const bool spills = !fits_nearest();
    if (spills) {
      spill();
    }
    for (auto& ball : problem_.balls) {
      if (ball.current && !reaches(problem_, ball, problem_.bins[*ball.current])) {
        ball.current.reset();
      }
    }
    problem_.min_gain = std::max(0.0, index_.policy->min_gain) / 100;
    problem_.rebalance = index_.policy->rebalance;
    return {std::move(problem_), std::move(planned_), spills};
  }

 private:
  void add_bins(const std::vector<Site>& sites) {
    std::map<Place, std::size_t> groups;
    for (const auto& site : sites) {
      const Place place{site.node, site.pool, site.low_power};
      const auto [group, added] = groups.try_emplace(place, places_.size());
      if (added) {
        places_.push_back(place);
      }
      has_low_power_ = has_low_power_ || site.low_power;
      bin_of_cpu_[site.cpu] = problem_.bins.size();
      problem_.bins.push_back({site.cpu,
                               site.core,
                               site.llc.value_or(-1),
                               group->second,
                               site.first,
                               site.covered,
                               site.base,
                               site.slots,
                               site.per_weight});
    }
  }

  [[nodiscard]] std::optional<std::size_t> bin_of(const Item& item) const {
    const auto bin = item.current ? bin_of_cpu_.find(*item.current) : bin_of_cpu_.end();
    return bin != bin_of_cpu_.end() ? std::optional(bin->second) : std::nullopt;
  }

  // Those that are on a bin hold its slots whatever happens; then come primaries, heavy ones first.
  void block_overflow() {
    std::ranges::sort(planned_, {}, [&](std::size_t i) {
      const auto& item = items_[i];
      return std::tuple(!bin_of(item).has_value(), item.role, -item.weight, item.irq->number);
    });
    std::vector<std::size_t> slots;
    for (const auto& bin : problem_.bins) {
      slots.push_back(bin.slots);
    }
    while (planned_.size() > std::accumulate(slots.begin(), slots.end(), std::size_t{0})) {
      auto& item = items_[planned_.back()];
      item.blocked = Blocked::budget;
      if (const auto bin = bin_of(item)) {
        slots[*bin] -= slots[*bin] > 0 ? 1U : 0U;
      }
      leave_load(item);
      planned_.pop_back();
    }
    for (std::size_t i = 0; i < slots.size(); ++i) {
      problem_.bins[i].slots = slots[i];
    }
    std::ranges::sort(planned_);
  }

  // What stays is load where it is.
  void leave_load(const Item& item) {
    if (!item.rate) {
      if (const auto bin = bin_of(item)) {
        problem_.bins[*bin].base += item.weight * problem_.bins[*bin].per_weight;
      }
      return;
    }
    RatesByCpu left;
    add_rates(*index_.host, *item.irq, item.current, left);
    for (const auto& [cpu, rate] : left) {
      if (const auto bin = bin_of_cpu_.find(cpu); bin != bin_of_cpu_.end()) {
        problem_.bins[bin->second].base += rate * problem_.bins[bin->second].per_weight;
      }
    }
  }

  void add_ball(const Item& item, std::size_t reach) {
    Ball ball;
    ball.weight = item.weight;
    ball.role = item.role;
    ball.reach = reach;
    ball.current = bin_of(item);
    ball.in_place = ball.current && item.single;
    ball.device = devices_.try_emplace(item.irq->device, devices_.size()).first->second;
    ball.llcs = item.place != nullptr ? &item.place->llcs : nullptr;
    problem_.balls.push_back(ball);
  }

  /// How far: by distance, then by what the CPUs are there for. `--pool last`: the latter first.
  [[nodiscard]] int cost_of(const Kind& kind, const Place& place) const {
    constexpr int kSteps = 4;  // Low-power cores, pools, low-power cores of pools.
    constexpr int kFarthest = kSteps * 2 * kMaxDistance;
    const int pool = !place.pool ? 0 : index_.policy->pool_last ? kFarthest : 2;
    const int low_power = place.low_power && kind.spares_low_power ? 1 : 0;
    return kSteps * cost(index_, kind.home, place.node) + pool + low_power;
  }

  /// The nearest groups: those of equal cost are equally good.
  [[nodiscard]] std::vector<Reach> ring(const Kind& kind) const {
    std::map<int, std::vector<Reach>> rings;
    for (std::size_t group = 0; group < places_.size(); ++group) {
      rings[cost_of(kind, places_[group])].push_back({group, 0});
    }
    return rings.empty() ? std::vector<Reach>{} : rings.begin()->second;
  }

  [[nodiscard]] std::vector<std::size_t> room() const {
    std::vector<std::size_t> slots(places_.size());
    for (const auto& bin : problem_.bins) {
      slots[bin.group] += bin.slots;
    }
    return slots;
  }

  /// True if every vector finds room on its nearest nodes in whatever order they are placed: each
  /// reach has slots enough for all, or has its groups for itself.
  [[nodiscard]] bool fits_nearest() const {
    const auto slots = room();
    std::vector<std::size_t> balls(problem_.reaches.size());
    for (const auto& ball : problem_.balls) {
      ++balls[ball.reach];
    }
    std::vector<std::size_t> users(places_.size());
    for (const auto& reach : problem_.reaches) {
      for (const auto& place : reach) {
        ++users[place.group];
      }
    }
    for (std::size_t i = 0; i < problem_.reaches.size(); ++i) {
      std::size_t sum = 0;
      bool shared = false;
      for (const auto& place : problem_.reaches[i]) {
        sum += slots[place.group];
        shared = shared || users[place.group] > 1;
      }
      if (sum < (shared ? problem_.balls.size() : balls[i])) {
        return false;
      }
    }
    return true;
  }

  /// Lets vectors go farther, as few and as little as can be: by search where the problem is small,
  /// else by sharing the room of the nodes out among the home nodes.
  void spill() {
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
      problem_.reaches[i].clear();
      for (std::size_t group = 0; group < places_.size(); ++group) {
        problem_.reaches[i].push_back({group, cost_of(kinds_[i], places_[group])});
      }
    }
    if (!is_small(problem_)) {
      share_out(lanes_between_nodes());
    }
  }

  [[nodiscard]] std::vector<Lane> lanes_between_nodes() const {
    constexpr long kDistance =
        2;  // Of equal ways, those that leave vectors on their node: less by 1.
    std::vector<std::vector<std::size_t>> staying(kinds_.size(),
                                                  std::vector<std::size_t>(places_.size()));
    std::vector<std::size_t> supply(kinds_.size());
    for (const auto& ball : problem_.balls) {
      ++supply[ball.reach];
      if (ball.current) {
        ++staying[ball.reach][problem_.bins[*ball.current].group];
      }
    }
    const long many = kDistance * static_cast<long>(problem_.balls.size());
    std::vector<Lane> lanes;
    for (std::size_t home = 0; home < kinds_.size(); ++home) {
      for (const auto& place : problem_.reaches[home]) {
        const long far = place.cost * many;
        lanes.push_back({home, place.group, staying[home][place.group], far, 0});
        lanes.push_back({home, place.group, supply[home], far + 1, 0});
      }
    }
    transport(supply, room(), lanes);
    return lanes;
  }

  /// Gives each home's vectors to the nodes that its lanes lead to: those that are there already,
  /// then the heaviest ones to the nearest.
  void share_out(const std::vector<Lane>& lanes) {
    std::vector<std::map<std::size_t, std::size_t>> quota(kinds_.size());
    for (const auto& lane : lanes) {
      quota[lane.source][lane.sink] += lane.flow;
    }
    std::vector<std::size_t> rest;
    std::vector<std::size_t> to(problem_.balls.size());
    const auto take = [&](std::size_t ball, std::size_t group) {
      auto& left = quota[problem_.balls[ball].reach][group];
      if (left == 0) {
        return false;
      }
      --left;
      to[ball] = group;
      return true;
    };
    for (const auto i : in_place_first(problem_)) {
      const auto& current = problem_.balls[i].current;
      const bool stays = current && take(i, problem_.bins[*current].group);
      if (!stays) {
        rest.push_back(i);
      }
    }
    std::ranges::stable_sort(rest, {}, [&](std::size_t i) {
      return std::tuple(problem_.balls[i].role, -problem_.balls[i].weight, i);
    });
    for (const auto i : rest) {
      auto places = problem_.reaches[problem_.balls[i].reach];
      std::ranges::stable_sort(places, {}, &Reach::cost);
      std::ranges::find_if(places, [&](const Reach& place) { return take(i, place.group); });
    }
    std::vector<std::vector<Reach>> alone;
    for (std::size_t group = 0; group < places_.size(); ++group) {
      alone.push_back({{group, 0}});
    }
    problem_.reaches = std::move(alone);
    for (std::size_t i = 0; i < to.size(); ++i) {
      problem_.balls[i].reach = to[i];
    }
  }

  const Index& index_;
  std::vector<Item>& items_;
  Problem problem_;
  std::vector<std::size_t> planned_;
  std::vector<Place> places_;  // Of each group.
  std::vector<Kind> kinds_;    // Of each reach.
  bool has_low_power_ = false;
  std::map<int, std::size_t> bin_of_cpu_;
  std::map<std::optional<PciAddress>, std::size_t> devices_;
};

}  // namespace

Reachable make_problem(const Index& index,
                       const std::vector<Site>& sites,
                       std::vector<Item>& items) {
  return Builder(index, sites, items).run();
}

}  // namespace irqtune::planning
