// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace irqtune {

namespace {

constexpr int kX86Budget = 200;  // Linux arch/x86/kernel/apic/vector.c: 0x20..0xea less a few.

/// Vectors a CPU carries, of those the plan knows.
using Load = std::map<int, int>;

/// Where the vector is counted: its effective CPU, or where a pending move is taking it.
std::optional<int> current_cpu(const Assignment& assignment) {
  const auto& requested = assignment.from;
  const auto& effective = assignment.from_effective;
  if (!effective || effective->empty()) {
    return requested ? requested->first() : std::nullopt;
  }
  const bool pending = requested && !requested->empty() && !requested->intersects(*effective);
  return pending ? requested->first() : effective->first();
}

Write write_for(const Assignment& assignment) {
  Write write;
  auto& identity = write.identity.emplace();
  identity.irq = assignment.irq;
  identity.vector = assignment.vector;
  identity.device = assignment.device;
  identity.actions = assignment.actions;
  identity.posted = assignment.posted == Posted::posted;
  write.before = assignment.from ? assignment.from->to_list() : "";
  write.after = assignment.to;
  return write;
}

int load_at(const Load& load, std::optional<int> cpu) {
  const auto found = cpu ? load.find(*cpu) : load.end();
  return found != load.end() ? found->second : 0;
}

/// The next move that fits the budget, in the plan's order; where none does (a ring of full CPUs),
/// the one onto the least loaded CPU.
std::vector<const Assignment*>::iterator next_move(std::vector<const Assignment*>& moves,
                                                   const Load& load,
                                                   int budget) {
  const auto fits = [&](const Assignment* move) {
    return load_at(load, move->to.first()) < budget;
  };
  const auto found = std::ranges::find_if(moves, fits);
  return found != moves.end() ? found : std::ranges::min_element(moves, {}, [&](const auto* move) {
    return load_at(load, move->to.first());
  });
}

}  // namespace

std::vector<Write> writes_for(const Plan& plan) {
  std::vector<Write> writes;
  const auto& mask = plan.default_affinity;
  if (mask && mask->from != mask->to) {  // First, so that vectors made meanwhile are well placed.
    writes.push_back({std::nullopt, mask->from ? mask->from->to_mask() : "", mask->to});
  }
  Load load;
  std::vector<const Assignment*> moves;
  for (const auto& assignment : plan.assignments) {
    if (const auto cpu = current_cpu(assignment)) {
      ++load[*cpu];
    }
    if (assignment.change) {
      moves.push_back(&assignment);
    }
  }
  const int budget = plan.policy.max_vectors_per_cpu.value_or(kX86Budget);
  while (!moves.empty()) {
    const auto next = next_move(moves, load, budget);
    if (const auto cpu = current_cpu(**next)) {
      --load[*cpu];
    }
    ++load[(*next)->to.first().value_or(0)];
    writes.push_back(write_for(**next));
    moves.erase(next);
  }
  return writes;
}

}  // namespace irqtune
