// SPDX-License-Identifier: Apache-2.0
#include "support/oracle.h"

#include <algorithm>
#include <limits>
#include <set>

namespace irqtune::test {

namespace {

constexpr long kFar = 256;
constexpr std::size_t kX86Vectors = 200;

const Vm* owner_of(const Host& host, const Irq& irq) {
  return irq.device ? find_owner(host, *irq.device) : nullptr;
}

/// The node with most vCPUs that are wholly within it.
std::optional<NodeId> node_of_vm(const Host& host, const Vm& vm) {
  std::map<NodeId, int> votes;
  for (const auto& vcpu : vm.vcpus) {
    std::set<std::optional<NodeId>> nodes;
    for (const int number : vcpu.pinned ? vcpu.cpus->cpus() : std::vector<int>{}) {
      if (const auto node = find_cpu(host.topology, number)->node) {
        nodes.insert(node);
      }
    }
    if (nodes.size() == 1) {
      ++votes[**nodes.begin()];
    }
  }
  std::optional<NodeId> best;
  for (const auto& [node, count] : votes) {
    best = !best || count > votes[*best] ? node : *best;
  }
  return best;
}

/// Largest load of a CPU with a vector on those nodes.
double largest_in(const Oracle::Neighbours& part, const Verdict& verdict) {
  double largest = 0;
  for (const auto& [node, load] : verdict.by_node) {
    largest = std::max(largest, part.nodes.contains(node.first) ? load : 0);
  }
  return largest;
}

bool has_vcpu_on(const Host& host, const Vm& vm, NodeId node) {
  return std::ranges::any_of(vm.vcpus, [&](const Vcpu& vcpu) {
    const auto list = vcpu.pinned ? vcpu.cpus->cpus() : std::vector<int>{};
    return std::ranges::any_of(list,
                               [&](int cpu) { return find_cpu(host.topology, cpu)->node == node; });
  });
}

}  // namespace

Oracle::Oracle(const Host& host, const Policy& policy, const Plan& plan)
    : host_(host), plan_(plan) {
  for (const auto& assignment : plan.assignments) {
    if (assignment.blocked) {
      continue;
    }
    Vector vector;
    vector.irq = find_irq(host, assignment.irq);
    vector.assignment = &assignment;
    vector.home = home_of(vector, policy.near_to);
    vector.weight = host.rate_source != RateSource::none ? total_rate(*vector.irq)
                    : assignment.role == Role::primary   ? 1
                                                         : 0;
    if (const auto* vm = owner_of(host, *vector.irq)) {
      for (const auto& vcpu : vm->vcpus) {
        for (const int cpu : vcpu.pinned ? vcpu.cpus->cpus() : std::vector<int>{}) {
          vector.llcs.push_back(find_cpu(host.topology, cpu)->llc.value_or(-2));
        }
      }
    }
    vectors_.push_back(std::move(vector));
  }
  add_candidates(policy);
  for (auto& vector : vectors_) {
    const auto at = std::ranges::find(
        candidates_, vector.assignment->to.first(), [](const Candidate& candidate) {
          return std::optional(candidate.cpu->number);
        });
    vector.at = static_cast<std::size_t>(at - candidates_.begin());
  }
}

void Oracle::add_candidates(const Policy& policy) {
  const auto map = protections(host_, policy.protection);
  std::vector<Candidate> open;
  for (const auto& cpu : host_.topology.cpus) {
    if (!cpu.online || map.contains(cpu.number)) {
      continue;
    }
    Candidate candidate{&cpu,
                        true,
                        false,
                        0,
                        static_cast<std::size_t>(policy.max_vectors_per_cpu.value_or(kX86Vectors))};
    for (const auto& irq : host_.irqs) {
      const auto planned = std::ranges::find(vectors_, &irq, &Vector::irq);
      if (planned != vectors_.end()) {
        continue;
      }
      const auto assignment = std::ranges::find(plan_.assignments, irq.number, &Assignment::irq);
      const CpuSet here{cpu.number};
      const auto at = delivery_of(host_, irq).cpus;
      for (const auto& rate : irq.rates) {
        const bool lands = at.size() == 1 ? at == here : rate.cpu == cpu.number;
        candidate.base += lands ? rate.rate : 0;
      }
      // All host interrupts here are settable primaries, that the scope counts as placed.
      const bool standing =
          policy.scope == Scope::evict && !irq.vector && irq.settable != false && at == here;
      candidate.covered = candidate.covered || standing;
      candidate.base += host_.rate_source == RateSource::none && standing ? 1 : 0;
      candidate.base += host_.rate_source == RateSource::none &&
                                assignment != plan_.assignments.end() &&
                                assignment->role == Role::primary && at == here
                            ? 1
                            : 0;
      if (at == here && candidate.slots > 0) {
        --candidate.slots;
      }
    }
    open.push_back(candidate);
  }
  std::size_t calm = 0;
  const auto is_busy = [&](const Candidate& candidate) {
    return candidate.cpu->irq_busy.value_or(0) * 100 > policy.busy_threshold;
  };
  for (const auto& candidate : open) {
    calm += is_busy(candidate) ? 0 : std::min(candidate.slots, vectors_.size());
  }
  if (calm >= vectors_.size()) {
    std::erase_if(open, is_busy);
  }
  // A full CPU counts only if its core has its primary there.
  std::erase_if(
      open, [](const Candidate& candidate) { return candidate.slots == 0 && !candidate.covered; });
  for (auto& candidate : open) {
    const auto lowest = std::ranges::find_if(open, [&](const Candidate& other) {
      return candidate.cpu->siblings.contains(other.cpu->number);
    });
    candidate.first = lowest->cpu == candidate.cpu;
  }
  std::erase_if(open, [](const Candidate& candidate) { return candidate.slots == 0; });
  candidates_ = std::move(open);
}

std::optional<NodeId> Oracle::home_of(const Vector& vector, Near near) const {
  if (!vector.irq->device) {
    return std::nullopt;
  }
  const auto* device = find_device(host_, *vector.irq->device);
  const auto* vm = owner_of(host_, *vector.irq);
  const auto of_vm = vm != nullptr ? node_of_vm(host_, *vm) : std::nullopt;
  if (!of_vm || !device->node) {
    return device->node ? device->node : of_vm;
  }
  const bool with_vm = near == Near::vm && !has_vcpu_on(host_, *vm, *device->node);
  return with_vm ? of_vm : device->node;
}

long Oracle::distance_to(const Vector& vector, const Candidate& candidate) const {
  if (!vector.home) {
    return 0;
  }
  return distance(host_.topology, *vector.home, *candidate.cpu->node).value_or(kFar);
}

Verdict Oracle::judge() const {
  Verdict verdict;
  std::vector<double> load(candidates_.size());
  std::vector<bool> used(candidates_.size());
  std::vector<bool> has_vector(candidates_.size());
  std::vector<bool> covered(candidates_.size());
  std::vector<bool> has_written(candidates_.size());
  for (const auto& vector : vectors_) {
    const auto& candidate = candidates_[vector.at];
    load[vector.at] += vector.weight;
    used[vector.at] = true;
    has_vector[vector.at] = has_vector[vector.at] || vector.irq->vector;
    covered[vector.at] = covered[vector.at] || vector.assignment->role == Role::primary;
    verdict.distance += distance_to(vector, candidate);
    verdict.misplaced += vector.assignment->role == Role::auxiliary && candidate.first ? 1U : 0U;
    verdict.cached +=
        std::ranges::count(vector.llcs, candidate.cpu->llc.value_or(-1)) > 0 ? 1U : 0U;
    const auto now = delivery_of(host_, *vector.irq);
    const bool astray = now.state == DeliveryState::fallback;  // Asked again, if it stays so.
    const bool writes = astray || vector.irq->affinity != CpuSet{candidate.cpu->number};
    verdict.moves += writes ? 1U : 0U;
    has_written[vector.at] = has_written[vector.at] || writes;
  }
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    verdict.uncovered += candidates_[i].first && !candidates_[i].covered && !covered[i] ? 1U : 0U;
    if (used[i]) {
      const double total = load[i] + candidates_[i].base;
      verdict.largest = std::max(verdict.largest, total);
      if (has_written[i]) {
        auto& node = verdict.written[candidates_[i].cpu->node];
        node = std::max(node, total);
      }
      for (const bool own : {false, true}) {
        auto& node = verdict.by_node[{candidates_[i].cpu->node, own}];
        node = std::max(node, !own || has_vector[i] ? total : 0);
      }
    }
  }
  verdict.deviations = deviations();
  return verdict;
}

template <typename Visit>
void Oracle::try_all(std::size_t depth, std::vector<std::size_t>& used, Visit visit) {
  if (depth == vectors_.size()) {
    visit(judge());
    return;
  }
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (used[i] < candidates_[i].slots) {
      ++used[i];
      vectors_[depth].at = i;
      try_all(depth + 1, used, visit);
      --used[i];
    }
  }
}

Verdict Oracle::planned() const {
  return judge();
}

Verdict Oracle::best() {
  std::optional<Verdict> best;
  std::vector<std::size_t> used(candidates_.size());
  try_all(0, used, [&](const Verdict& verdict) {
    if (!best ||
        std::tuple(verdict.order(), verdict.largest) < std::tuple(best->order(), best->largest)) {
      best = verdict;
    }
  });
  return best.value_or(Verdict{});
}

bool Oracle::fewer_moves_would_do(const Verdict& verdict) {
  constexpr double kRounding = 1 - 1e-9;
  bool found = false;
  std::vector<std::size_t> used(candidates_.size());
  try_all(0, used, [&](const Verdict& other) {
    bool lighter = true;
    for (const auto& [node, load] : other.by_node) {
      const auto ours = verdict.by_node.find(node);
      lighter = lighter && ours != verdict.by_node.end() && load * kRounding <= ours->second;
    }
    for (const auto& [node, deviation] : verdict.deviations) {
      lighter = lighter && other.deviations.at(node) * kRounding <= deviation;
    }
    found = found || (other.moves < verdict.moves && other.order() == verdict.order() && lighter &&
                      other.cached >= verdict.cached);
  });
  return found;
}

std::vector<Oracle::Neighbours> Oracle::neighbours(const Verdict& best) {
  std::vector<Neighbours> parts;
  std::vector<std::set<std::optional<NodeId>>> nodes_of(vectors_.size());
  std::vector<std::size_t> used(candidates_.size());
  try_all(0, used, [&](const Verdict& verdict) {
    for (std::size_t i = 0; verdict.order() == best.order() && i < vectors_.size(); ++i) {
      nodes_of[i].insert(candidates_[vectors_[i].at].cpu->node);
    }
  });
  for (auto& nodes : nodes_of) {
    Neighbours joined{nodes, std::numeric_limits<double>::infinity(), 0};
    std::erase_if(parts, [&](const Neighbours& part) {
      const bool meets = std::ranges::any_of(
          part.nodes, [&](const auto& node) { return joined.nodes.contains(node); });
      if (meets) {
        joined.nodes.insert(part.nodes.begin(), part.nodes.end());
      }
      return meets;
    });
    parts.push_back(joined);
  }
  for (auto& part : parts) {
    for (const auto& candidate : candidates_) {
      part.base =
          std::max(part.base, part.nodes.contains(candidate.cpu->node) ? candidate.base : 0);
    }
  }
  try_all(0, used, [&](const Verdict& verdict) {
    for (auto& part : parts) {
      part.best = verdict.order() == best.order() ? std::min(part.best, largest_in(part, verdict))
                                                  : part.best;
    }
  });
  return parts;
}

}  // namespace irqtune::test
