// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/load.h"
#include "irqtune/plan/planner.h"

#include "plan/problem/problem.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace irqtune {

namespace {

using planning::Index;

/// Where an assignment's vector is, at the moment in question.
Delivery delivery_at(const Host& host, const Assignment& assignment, Moment moment) {
  if (moment == Moment::after && assignment.change) {
    return {DeliveryState::settled, assignment.to};
  }
  const auto* irq = find_irq(host, assignment.irq);
  return irq != nullptr ? delivery_of(host, *irq) : Delivery{};
}

/// The pool CPUs that take vectors, now or by the plan.
CpuSet used_pool(const Host& host, const Plan& plan) {
  CpuSet used;
  if (plan.pool.empty()) {
    return used;
  }
  for (const auto& assignment : plan.assignments) {
    used |= delivery_at(host, assignment, Moment::after).cpus;
  }
  return used & plan.pool;
}

/// Of the CPUs that may take vectors.
RatesByCpu loads(const Host& host, const Plan& plan, Moment moment) {
  RatesByCpu load;
  for (const auto& irq : host.irqs) {
    const auto planned =
        std::ranges::lower_bound(plan.assignments, irq.number, {}, &Assignment::irq);
    const bool moves = moment == Moment::after && planned != plan.assignments.end() &&
                       planned->irq == irq.number && planned->change;
    add_rates(host, irq, moves ? planned->to.first() : std::nullopt, load);
  }
  RatesByCpu of_takers;
  for (const int cpu : (plan.housekeeping | used_pool(host, plan)).cpus()) {
    const auto* found = find_cpu(host.topology, cpu);
    of_takers[cpu] = found != nullptr ? load_of(*found, load[cpu]) : load[cpu];
  }
  return of_takers;
}

void add_spread(const RatesByCpu& load, Score& made) {
  double total = 0;
  double largest = 0;
  for (const auto& [cpu, rate] : load) {
    total += rate;
    largest = std::max(largest, rate);
  }
  const auto cpus = static_cast<double>(load.size());
  double squares = 0;
  for (const auto& [cpu, rate] : load) {
    squares += (rate - total / cpus) * (rate - total / cpus);
  }
  made.max_cpu_rate = largest;
  made.rate_stdev = std::sqrt(squares / cpus);
}

void add_places(const Index& index, const Plan& plan, Moment moment, Score& made) {
  CpuSet used;
  Tally tally;
  for (const auto& assignment : plan.assignments) {
    const auto delivery = delivery_at(*index.host, assignment, moment);
    const auto list = delivery.cpus.cpus();
    used |= delivery.cpus;
    tally.add(standing_of(assignment.posted, delivery, plan.protections));
    const auto home = planning::home_node(index,
                                          planning::device_of(index, assignment.device),
                                          planning::owner_of(index, assignment.device));
    made.unknown_node += home ? 0U : 1U;
    const bool remote = home && std::ranges::any_of(list, [&](int cpu) {
                          const auto node = planning::node_of(index, cpu);
                          return node && node != home;
                        });
    made.remote += remote ? 1U : 0U;
  }
  made.vectors = plan.assignments.size();
  made.collisions = tally.collisions;
  made.unknown = tally.unknown;
  made.cpus_used = used.size();
}

}  // namespace

Score score(const Host& host, const Plan& plan, Moment moment) {
  if (!planning::is_in_order(host)) {
    return score(planning::in_order(host), plan, moment);
  }
  const auto index = planning::make_index(host, plan.policy);
  Score made;
  add_places(index, plan, moment, made);
  if (host.rate_source != RateSource::none &&
      !(plan.housekeeping | used_pool(host, plan)).empty()) {
    add_spread(loads(host, plan, moment), made);
  }
  return made;
}

}  // namespace irqtune
