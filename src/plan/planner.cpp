// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "irqtune/core/handler_threads.h"
#include "irqtune/core/text.h"

#include "plan/problem/problem.h"
#include "plan/solve/assign.h"
#include "plan/why/describe.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

using planning::Index;
using planning::Item;

/// True if the mask may be right already, and the kernel did not do what it asks: ask it again.
bool is_astray(const Delivery& delivery, int target) {
  return delivery.state == DeliveryState::fallback && delivery.cpus != CpuSet{target};
}

Assignment make_assignment(const Index& index, const Item& item) {
  const auto& irq = *item.irq;
  Assignment made;
  made.irq = irq.number;
  made.vector = irq.vector;
  made.device = irq.device;
  made.actions = irq.actions;
  made.vm = item.vm != nullptr ? item.vm->name : "";
  made.role = item.role;
  made.rate = item.rate;
  made.from = irq.affinity;
  made.from_effective = irq.effective;
  made.delivery = item.delivery;
  made.standing = standing_of(irq.posted, item.delivery, index.protections);
  const auto stays =
      item.delivery.cpus.empty() ? irq.affinity.value_or(CpuSet{}) : item.delivery.cpus;
  made.to = item.target ? CpuSet{*item.target} : stays;
  const bool threads_astray = !threads_astray_on(*index.host, irq, index.protections).empty();
  made.change = item.target && (irq.affinity != made.to || threads_astray ||
                                is_astray(item.delivery, *item.target));
  made.blocked = item.blocked;
  made.posted = irq.posted;
  const auto nearness = planning::nearness_of(index, item, made.to);
  made.locality = nearness.locality;
  made.distance = nearness.distance;
  return made;
}

std::optional<DefaultAffinity> default_affinity(const Index& index) {
  if (!index.policy->default_affinity || index.housekeeping.empty()) {
    return std::nullopt;
  }
  return DefaultAffinity{index.host->default_affinity, index.housekeeping};
}

/// What to say of vectors that nobody has asked for yet.
std::string not_in_use_text(const std::vector<VectorId>& vectors) {
  constexpr std::size_t kNamed = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(vectors.size(), kNamed); ++i) {
    names += (i > 0 ? ", " : "") + vectors[i].to_string();
  }
  const auto* const more = vectors.size() > kNamed ? ", ..." : "";
  const bool one = vectors.size() == 1;
  return fmt::format(
      "{} {} not in use yet ({}{}): a guest asks for {} when it needs {}; then apply "
      "again",
      counted(vectors.size(), "vector"),
      one ? "is" : "are",
      names,
      more,
      one ? "it" : "them",
      one ? "it" : "them");
}

Plan plan_with(const Index& index) {
  const auto& host = *index.host;
  const auto& policy = *index.policy;
  auto selection = planning::select(index);
  const auto assigned = planning::assign(index, selection.items);
  const auto& sites = assigned.sites;
  Plan plan;
  plan.host = host.id;
  plan.policy = policy;
  plan.protections = index.protections;
  plan.protected_cpus = index.protected_cpus;
  plan.housekeeping = index.housekeeping;
  plan.pool = index.pool;
  plan.managed_left_out = selection.managed_left_out;
  plan.default_affinity = default_affinity(index);
  for (const auto& item : selection.items) {
    plan.assignments.push_back(make_assignment(index, item));
  }
  planning::add_reasons(index, selection.items, sites, plan.assignments);
  plan.warnings = planning::warnings(index, selection.items, sites);
  if (!selection.not_in_use.empty()) {
    plan.warnings.push_back(not_in_use_text(selection.not_in_use));
  }
  plan.before = score(host, plan, Moment::before);
  plan.after = score(host, plan, Moment::after);
  if (auto busier = planning::busier_text(index, selection.items, plan)) {
    plan.warnings.push_back(std::move(*busier));
  }
  if (host.rate_source != RateSource::none && !(plan.housekeeping | plan.pool).empty()) {
    plan.lower_bound = assigned.bound;
  }
  return plan;
}

std::vector<std::string> standing_in_order(const Host& host, const Policy& policy) {
  const auto index = planning::make_index(host, policy);
  return planning::misplaced_vms(index, planning::select(index).items);
}

/// The same index, in which places say nothing of roles.
Index without_places(Index index) {
  index.firsts = {};
  index.siblings = {};
  index.standing.clear();
  return index;
}

bool have_same_roles(const Index& a, const Index& b) {
  return std::ranges::all_of(a.host->irqs, [&](const Irq& irq) {
    return !irq.vector || planning::role_of(a, irq) == planning::role_of(b, irq);
  });
}

/// By the roles that places show, as long as that leaves nothing to do, now or once it is carried
/// out; else by rates alone.
Plan plan_in_order(const Host& host, const Policy& policy) {
  const auto index = planning::make_index(host, policy);
  const auto plain = without_places(index);
  auto by_place = plan_with(index);
  if (change_count(by_place) == 0 || have_same_roles(index, plain)) {
    return by_place;
  }
  auto by_rate = plan_with(plain);
  const auto after = planned_host(host, by_place);
  const bool rests = change_count(by_rate) > 0 &&
                     change_count(plan_with(planning::make_index(after, policy))) == 0;
  return rests ? by_place : by_rate;
}

/// The kernel's vector goes with the interrupt: one less is free there, one more here.
void move_allocation(const Irq& irq, const CpuSet& to, Topology& topology) {
  if (irq.actions.empty()) {
    return;
  }
  const auto from = allocated_on(irq);
  for (auto& cpu : topology.cpus) {
    if (!cpu.free_vectors) {
      continue;
    }
    const bool leaves = from == cpu.number;
    const bool comes = to.contains(cpu.number);
    *cpu.free_vectors += leaves ? 1U : 0U;
    *cpu.free_vectors -= comes && *cpu.free_vectors > 0 ? 1U : 0U;
  }
}

}  // namespace

Plan make_plan(const Host& host, const Policy& policy) {
  return planning::is_in_order(host) ? plan_in_order(host, policy)
                                     : plan_in_order(planning::in_order(host), policy);
}

std::vector<std::string> standing_conditions(const Host& host, const Policy& policy) {
  return planning::is_in_order(host) ? standing_in_order(host, policy)
                                     : standing_in_order(planning::in_order(host), policy);
}

Host planned_host(const Host& host, const Plan& plan) {
  Host after = host;
  for (auto& irq : after.irqs) {
    const auto planned =
        std::ranges::lower_bound(plan.assignments, irq.number, {}, &Assignment::irq);
    if (planned == plan.assignments.end() || planned->irq != irq.number || !planned->change) {
      continue;
    }
    const double rate = total_rate(irq);
    move_allocation(irq, planned->to, after.topology);
    irq.affinity = planned->to;
    irq.effective = planned->to;
    irq.written_to_tree = false;
    irq.rates.clear();
    if (rate > 0) {
      irq.rates.push_back({*planned->to.first(), rate});
    }
  }
  if (plan.default_affinity) {
    after.default_affinity = plan.default_affinity->to;
  }
  return after;
}

}  // namespace irqtune
