// SPDX-License-Identifier: Apache-2.0
#include "support/plan_checks.h"

#include "irqtune/plan/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

namespace irqtune::test {

namespace {

std::uint32_t number(IrqNumber irq) {
  return static_cast<std::uint32_t>(irq);
}

std::string list(const std::optional<CpuSet>& cpus) {
  return cpus ? cpus->to_list() : "?";
}

/// Collects breaches.
class Checker {
 public:
  Checker(const Host& host, const Plan& plan)
      : host_(host),
        plan_(plan),
        shielded_(protected_cpus(protections(host, plan.policy.protection))) {}

  std::vector<std::string> run() {
    for (const auto& assignment : plan_.assignments) {
      const auto* irq = find_irq(host_, assignment.irq);
      expect(irq != nullptr, assignment, "no such interrupt");
      expect(seen_.insert(assignment.irq).second, assignment, "twice in the plan");
      expect(!assignment.reason.empty(), assignment, "no reason");
      if (irq != nullptr) {
        assignment.change ? check_change(*irq, assignment) : check_stay(*irq, assignment);
        check_scope(*irq, assignment);
      }
    }
    for (const auto& irq : host_.irqs) {
      if (irq.vector && plan_.policy.devices.empty() && plan_.policy.vms.empty() &&
          !seen_.contains(irq.number)) {
        lines_.push_back(fmt::format("IRQ {}: vector left out", number(irq.number)));
      }
    }
    check_budget();
    return std::move(lines_);
  }

 private:
  void expect(bool kept, const Assignment& assignment, std::string_view what) {
    if (!kept) {
      lines_.push_back(
          fmt::format("IRQ {} -> {}: {}", number(assignment.irq), assignment.to.to_list(), what));
    }
  }

  // A VM's vectors may go to its own vCPUs' CPUs, if the policy says so.
  [[nodiscard]] bool is_colocated(const Assignment& assignment) const {
    const auto device = assignment.device
                            ? plan_.policy.device_policies.find(assignment.device->to_string())
                            : plan_.policy.device_policies.end();
    if (device != plan_.policy.device_policies.end()) {
      return device->second == VmPolicy::colocate;
    }
    const auto vm = plan_.policy.vm_policies.find(assignment.vm);
    const auto policy = vm != plan_.policy.vm_policies.end() ? vm->second : plan_.policy.policy;
    return assignment.vector && policy == VmPolicy::colocate;
  }

  void check_change(const Irq& irq, const Assignment& assignment) {
    expect(irq.settable != false, assignment, "not settable");
    expect(assignment.to.size() == 1, assignment, "not one CPU");
    expect(host_.topology.online.contains_all(assignment.to), assignment, "not online");
    expect(!assignment.blocked, assignment, "blocked and changed");
    const bool astray = delivery_of(host_, irq).state == DeliveryState::fallback;
    expect(astray || irq.affinity != assignment.to, assignment, "no change at all");
    if (!is_colocated(assignment)) {
      expect(!shielded_.intersects(assignment.to), assignment, "onto a protected CPU");
      expect(plan_.housekeeping.contains_all(assignment.to), assignment, "not housekeeping");
    }
  }

  void check_stay(const Irq& irq, const Assignment& assignment) {
    if (!assignment.blocked) {
      expect(irq.affinity == assignment.to, assignment, "stays, but not there");
    }
    if (assignment.blocked == Blocked::no_candidate && !is_colocated(assignment)) {
      expect(plan_.housekeeping.empty(), assignment, "no candidate, but there are");
    }
  }

  void check_scope(const Irq& irq, const Assignment& assignment) {
    if (irq.vector) {
      return;
    }
    const auto scope = plan_.policy.scope;
    expect(scope != Scope::passthrough, assignment, "the host's, out of scope");
    const auto now = delivery_of(host_, irq);
    const auto cpus = now.cpus.empty() ? irq.affinity.value_or(CpuSet{}) : now.cpus;
    expect(scope != Scope::evict || cpus.intersects(shielded_),
           assignment,
           "evicted from an unprotected CPU");
  }

  /// What is on each CPU once the plan is carried out must not exceed the budget, unless it did
  /// before.
  void check_budget() {
    if (!plan_.policy.max_vectors_per_cpu) {
      return;
    }
    const auto after = planned_host(host_, plan_);
    std::map<int, int> count;
    std::set<int> taken;
    for (const auto& irq : after.irqs) {
      const auto at = only_cpu(delivery_of(after, irq));
      if (!irq.actions.empty() && at) {
        ++count[*at];
      }
    }
    for (const auto& assignment : plan_.assignments) {
      const bool comes = assignment.change && assignment.from_effective != assignment.to;
      if (comes && !is_colocated(assignment)) {
        taken.insert(*assignment.to.first());
      }
    }
    for (const int cpu : taken) {
      if (count[cpu] > *plan_.policy.max_vectors_per_cpu) {
        lines_.push_back(fmt::format("cpu{}: {} vectors, more than its budget", cpu, count[cpu]));
      }
    }
  }

  const Host& host_;
  const Plan& plan_;
  CpuSet shielded_;
  std::set<IrqNumber> seen_;
  std::vector<std::string> lines_;
};

std::string changes(const Plan& plan) {
  std::string text;
  for (const auto& change : plan.assignments) {
    if (change.change) {
      text += fmt::format("{} {} {} -> {} {}\n",
                          number(change.irq),
                          role_text(change.role),
                          list(change.from),
                          change.to.to_list(),
                          change.reason);
    }
  }
  return text;
}

/// Counts since boot stay with the CPUs where they were made, wherever the interrupt goes.
Host with_old_rates(Host after, const Host& before) {
  for (std::size_t i = 0; i < after.irqs.size(); ++i) {
    after.irqs[i].rates = before.irqs[i].rates;
  }
  return after;
}

template <typename T>
void shuffle(std::vector<T>& values, std::mt19937& engine) {
  for (std::size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[engine() % i]);
  }
}

/// The columns of the distance table go with the nodes.
void shuffle_nodes(std::vector<NumaNode>& nodes, std::mt19937& engine) {
  std::vector<std::size_t> order(nodes.size());
  std::iota(order.begin(), order.end(), 0U);
  shuffle(order, engine);
  const auto before = nodes;
  for (std::size_t i = 0; i < order.size(); ++i) {
    nodes[i] = before[order[i]];
    for (std::size_t column = 0; column < nodes[i].distances.size(); ++column) {
      nodes[i].distances[column] = before[order[i]].distances.at(order[column]);
    }
  }
}

}  // namespace

std::string dump(const Plan& plan) {
  std::string text;
  for (const auto& a : plan.assignments) {
    text += fmt::format("{} {} {} rate {} from {} eff {} to {} {} d{} {} [{}]\n",
                        number(a.irq),
                        a.vm,
                        role_text(a.role),
                        a.rate.value_or(-1),
                        list(a.from),
                        list(a.from_effective),
                        a.to.to_list(),
                        a.change,
                        a.distance.value_or(-1),
                        a.blocked ? blocked_text(*a.blocked) : "",
                        a.reason);
  }
  for (const auto& line : plan.warnings) {
    text += line + "\n";
  }
  return text;
}

CpuSet targets(const Plan& plan) {
  CpuSet all;
  for (const auto& assignment : plan.assignments) {
    all |= assignment.to;
  }
  return all;
}

bool warns(const Plan& plan, const std::string& part) {
  return std::ranges::any_of(
      plan.warnings, [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

std::vector<std::string> breaches(const Host& host, const Plan& plan) {
  return Checker(host, plan).run();
}

std::string unrest(const Host& host, const Plan& plan) {
  const auto after = planned_host(host, plan);
  return changes(make_plan(after, plan.policy)) +
         changes(make_plan(with_old_rates(after, host), plan.policy));
}

Host shuffled(const Host& host, std::uint32_t seed) {
  auto other = host;
  std::mt19937 engine(seed);
  shuffle(other.irqs, engine);
  shuffle(other.devices, engine);
  shuffle(other.vms, engine);
  shuffle(other.topology.cpus, engine);
  shuffle_nodes(other.topology.nodes, engine);
  return other;
}

}  // namespace irqtune::test
