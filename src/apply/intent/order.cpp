// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace irqtune {

namespace {

/// Vectors of the plan that a CPU carries, and how many it may carry on the way.
struct Cpu {
  int now = 0;
  int most = 0;
  int coming = 0;                         // In all.
  std::deque<const Assignment*> waiting;  // For room here, in the plan's order.
};

using Cpus = std::map<int, Cpu>;

/// Where the vector is counted: where it is delivered from now on.
std::optional<int> current_cpu(const Assignment& assignment) {
  return assignment.delivery.cpus.first();
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
  write.vm = assignment.vm;
  return write;
}

int target_of(const Assignment& move) {
  return move.to.first().value_or(0);
}

/// Loads before the first move, and the larger of those before and after the last: a CPU that the
/// plan found and left within its budget does not pass it on the way either, whatever else it
/// carries.
Cpus cpus_of(const Plan& plan) {
  Cpus cpus;
  std::map<int, int> after;
  for (const auto& assignment : plan.assignments) {
    const auto from = current_cpu(assignment);
    const auto to = assignment.change ? target_of(assignment) : from;
    cpus[from.value_or(0)].now += from ? 1 : 0;
    after[to.value_or(0)] += to ? 1 : 0;
    cpus[to.value_or(0)].coming += assignment.change ? 1 : 0;
  }
  for (const auto& [number, load] : after) {
    cpus[number].most = load;
  }
  for (auto& [number, cpu] : cpus) {
    cpu.most = std::max(cpu.most, cpu.now);
  }
  return cpus;
}

/// Where each of a ring of CPUs waits for the next to give up a vector: the waiting move onto the
/// least loaded of them.
const Assignment* break_ring(Cpus& cpus) {
  Cpu* least = nullptr;
  for (auto& [number, cpu] : cpus) {
    if (!cpu.waiting.empty() && (least == nullptr || cpu.now < least->now)) {
      least = &cpu;
    }
  }
  const auto* move = least != nullptr ? least->waiting.front() : nullptr;
  if (least != nullptr) {
    least->waiting.pop_front();
  }
  return move;
}

/// Notes that a vector leaves the CPU; the move that waited for its room, or none.
const Assignment* leave(Cpu& cpu) {
  --cpu.now;
  if (cpu.now >= cpu.most || cpu.waiting.empty()) {
    return nullptr;
  }
  const auto* move = cpu.waiting.front();
  cpu.waiting.pop_front();
  return move;
}

/// Carries out one move, and then those that waited for the room that it leaves.
void carry_out(const Assignment* move, Cpus& cpus, std::vector<Write>& writes) {
  while (move != nullptr) {
    writes.push_back(write_for(*move));
    ++cpus[target_of(*move)].now;
    const auto from = current_cpu(*move);
    move = from ? leave(cpus[*from]) : nullptr;
  }
}

/// Others may be waiting for the room that it leaves.
bool is_urgent(const Assignment& move, const Cpus& cpus) {
  const auto from = current_cpu(move);
  const auto found = from ? cpus.find(*from) : cpus.end();
  return found != cpus.end() && found->second.coming > 0 && found->second.now >= found->second.most;
}

/// The plan's changes in its order, those first that make room where it is needed: were a last free
/// place taken by another, a ring of CPUs might end up waiting for each other.
std::vector<const Assignment*> moves_of(const Plan& plan, const Cpus& cpus) {
  std::vector<const Assignment*> moves;
  for (const auto& assignment : plan.assignments) {
    if (assignment.change) {
      moves.push_back(&assignment);
    }
  }
  // Not its like in std::ranges, which clang 14 cannot compile.
  std::stable_partition(
      moves.begin(), moves.end(), [&](const auto* move) { return is_urgent(*move, cpus); });
  return moves;
}

bool has_room(const Assignment& move, const Cpus& cpus) {
  const auto& cpu = cpus.at(target_of(move));
  return cpu.now < cpu.most || current_cpu(move) == target_of(move);
}

}  // namespace

std::vector<Write> writes_for(const Plan& plan) {
  std::vector<Write> writes;
  const auto& mask = plan.default_affinity;
  if (mask && mask->from != mask->to) {  // First, so that vectors made meanwhile are well placed.
    writes.push_back({std::nullopt, mask->from ? mask->from->to_mask() : "", mask->to});
  }
  auto cpus = cpus_of(plan);
  for (const auto* move : moves_of(plan, cpus)) {
    if (has_room(*move, cpus)) {
      carry_out(move, cpus, writes);
    } else {
      cpus[target_of(*move)].waiting.push_back(move);
    }
  }
  while (const auto* move = break_ring(cpus)) {
    carry_out(move, cpus, writes);
  }
  return writes;
}

}  // namespace irqtune
