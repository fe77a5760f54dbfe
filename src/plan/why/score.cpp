// SPDX-License-Identifier: Apache-2.0
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
CpuSet cpus_of(const Host& host, const Assignment& assignment, Moment moment) {
  if (moment == Moment::after && assignment.change) {
    return assignment.to;
  }
  const auto* irq = find_irq(host, assignment.irq);
  return irq != nullptr ? headed_to(*irq).value_or(CpuSet{}) : CpuSet{};
}

/// The pool CPUs that take vectors, now or by the plan.
CpuSet used_pool(const Host& host, const Plan& plan) {
  CpuSet used;
  if (plan.pool.empty()) {
    return used;
  }
  for (const auto& assignment : plan.assignments) {
    used |= assignment.change ? assignment.to : cpus_of(host, assignment, Moment::after);
  }
  return used & plan.pool;
}

std::map<int, double> loads(const Host& host, const Plan& plan, Moment moment) {
  std::map<int, double> load;
  for (const int cpu : (plan.housekeeping | used_pool(host, plan)).cpus()) {
    load[cpu] = 0;
  }
  const auto add = [&load](int cpu, double rate) {
    if (const auto found = load.find(cpu); found != load.end()) {
      found->second += rate;
    }
  };
  for (const auto& irq : host.irqs) {
    const auto planned =
        std::ranges::lower_bound(plan.assignments, irq.number, {}, &Assignment::irq);
    const bool moves = moment == Moment::after && planned != plan.assignments.end() &&
                       planned->irq == irq.number && planned->change;
    const auto at = moves ? planned->to : headed_to(irq).value_or(CpuSet{});
    if (at.size() == 1) {
      add(*at.first(), total_rate(irq));
      continue;
    }
    for (const auto& rate : irq.rates) {
      add(rate.cpu, rate.rate);
    }
  }
  return load;
}

void add_rates(const std::map<int, double>& load, Score& made) {
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
  for (const auto& assignment : plan.assignments) {
    const auto cpus = cpus_of(*index.host, assignment, moment);
    const auto list = cpus.cpus();
    used |= cpus;
    const bool collides = std::ranges::any_of(
        list, [&](int cpu) { return protected_by_vcpu(plan.protections, cpu); });
    made.collisions += collides ? 1U : 0U;
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
    add_rates(loads(host, plan, moment), made);
  }
  return made;
}

}  // namespace irqtune
