// SPDX-License-Identifier: Apache-2.0
#include "support/oracle.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace irqtune::test {

namespace {

constexpr double kRounding = 1 + 1e-9;

bool is_below(const Verdict& other, const Verdict& ours, const std::optional<NodeId>& node) {
  const auto at = ours.by_node.find({node, false});
  const auto there = other.by_node.find({node, false});
  return there == other.by_node.end() ||
         (at != ours.by_node.end() && there->second <= at->second * kRounding);
}

}  // namespace

std::vector<double> Oracle::loads() const {
  std::vector<double> load;
  for (const auto& candidate : candidates_) {
    load.push_back(candidate.base);
  }
  for (const auto& vector : vectors_) {
    load[vector.at] += vector.weight;
  }
  return load;
}

Oracle::Deviations Oracle::deviations() const {
  std::map<std::optional<NodeId>, std::vector<double>> by_node;
  const auto load = loads();
  for (std::size_t i = 0; i < load.size(); ++i) {
    by_node[candidates_[i].cpu->node].push_back(load[i]);
  }
  Deviations made;
  for (const auto& [node, list] : by_node) {
    const auto count = static_cast<double>(list.size());
    const double mean = std::accumulate(list.begin(), list.end(), 0.0) / count;
    double squares = 0;
    for (const double one : list) {
      squares += (one - mean) * (one - mean);
    }
    made[node] = std::sqrt(squares / count);
  }
  return made;
}

// What is in place is kept; under `evict` the host's interrupts are placed before the vectors.
bool Oracle::is_free(const Vector& vector) const {
  const bool kept = !vector.assignment->change && !plan_.policy.rebalance;
  const bool evicted = plan_.policy.scope == Scope::evict && !vector.irq->vector;
  return !kept && !evicted;
}

bool Oracle::may_go(std::size_t vector,
                    std::size_t candidate,
                    const std::vector<std::size_t>& planned) const {
  return is_free(vectors_[vector])
             ? candidates_[candidate].cpu->node == candidates_[planned[vector]].cpu->node
             : candidate == planned[vector];
}

template <typename Visit>
void Oracle::try_free(std::size_t depth, const std::vector<std::size_t>& planned, Visit visit) {
  if (depth == vectors_.size()) {
    visit(judge());
    return;
  }
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const auto used = static_cast<std::size_t>(
        std::count_if(vectors_.begin(),
                      vectors_.begin() + static_cast<std::ptrdiff_t>(depth),
                      [&](const Vector& vector) { return vector.at == i; }));
    if (may_go(depth, i, planned) && used < candidates_[i].slots) {
      vectors_[depth].at = i;
      try_free(depth + 1, planned, visit);
    }
  }
}

// The heaviest first, to the least loaded CPU that the hierarchy gives it.
void Oracle::place_greedily(const std::vector<std::size_t>& planned) {
  std::vector<std::size_t> order;
  std::vector<std::size_t> count(candidates_.size());
  std::vector<bool> covered;
  std::vector<double> load;
  for (const auto& candidate : candidates_) {
    covered.push_back(candidate.covered);
    load.push_back(candidate.base);
  }
  const auto put = [&](std::size_t vector, std::size_t at) {
    vectors_[vector].at = at;
    load[at] += vectors_[vector].weight;
    ++count[at];
    covered[at] = covered[at] || vectors_[vector].assignment->role == Role::primary;
  };
  for (std::size_t i = 0; i < vectors_.size(); ++i) {
    is_free(vectors_[i]) ? order.push_back(i) : put(i, planned[i]);
  }
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return -vectors_[i].weight; });
  for (const auto i : order) {
    const bool primary = vectors_[i].assignment->role == Role::primary;
    std::optional<std::pair<std::pair<bool, double>, std::size_t>> best;
    for (std::size_t at = 0; at < candidates_.size(); ++at) {
      const bool first = candidates_[at].first;
      const std::pair key(primary ? !first || covered[at] : first, load[at]);
      if (may_go(i, at, planned) && count[at] < candidates_[at].slots &&
          (!best || key < best->first)) {
        best = {key, at};
      }
    }
    put(i, best ? best->second : planned[i]);
  }
}

Oracle::Spread Oracle::spread() {
  std::vector<std::size_t> planned;
  for (const auto& vector : vectors_) {
    planned.push_back(vector.at);
  }
  const auto ours = judge();
  Spread made{deviations(), deviations(), {}};
  place_greedily(planned);
  if (const auto greedy = judge(); greedy.order() == ours.order()) {
    for (const auto& [node, deviation] : deviations()) {
      if (is_below(greedy, ours, node)) {
        made.greedy[node] = deviation;
      }
    }
  }
  try_free(0, planned, [&](const Verdict& verdict) {
    if (verdict.order() != ours.order()) {
      return;
    }
    for (const auto& [node, deviation] : deviations()) {
      if (is_below(verdict, ours, node)) {
        made.least[node] = std::min(made.least[node], deviation);
      }
    }
  });
  for (std::size_t i = 0; i < planned.size(); ++i) {
    vectors_[i].at = planned[i];
  }
  return made;
}

}  // namespace irqtune::test
