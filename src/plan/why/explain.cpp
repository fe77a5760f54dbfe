// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/explain.h"

#include "irqtune/core/load.h"
#include "irqtune/core/text.h"
#include "irqtune/plan/planner.h"

#include "plan/problem/colocate.h"
#include "plan/problem/problem.h"
#include "plan/solve/assign.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace irqtune {

namespace {

using planning::Index;
using planning::Item;
using planning::Site;

/// A plan with the working values it was made from.
class Explainer {
 public:
  Explainer(const Host& host, const Policy& policy)
      : host_(planning::is_in_order(host) ? host : planning::in_order(host)),
        plan_(make_plan(host_, policy)),
        index_(planning::make_index(host_, plan_.policy)) {
    items_ = planning::select(index_).items;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      items_[i].role = plan_.assignments[i].role;
    }
    sites_ = planning::assign(index_, items_).sites;
    const bool rates = host_.rate_source != RateSource::none;
    for (const auto& site : sites_) {
      load_[site.cpu] = rates ? site.base : 0;
    }
    for (const auto& item : items_) {
      if (item.target) {
        load_[*item.target] += load_by(item);
        ++vectors_[*item.target];
      }
    }
    if (std::ranges::find(items_, VmPolicy::colocate, &Item::policy) != items_.end()) {
      count_elsewhere();
    }
  }

  [[nodiscard]] const Plan& plan() const { return plan_; }

  [[nodiscard]] const Host& host() const { return host_; }

  [[nodiscard]] const Index& index() const { return index_; }

  [[nodiscard]] VectorExplanation vector(std::size_t i) const {
    const auto& item = items_[i];
    VectorExplanation made;
    made.assignment = plan_.assignments[i];
    made.home = item.home;
    if (item.policy == VmPolicy::colocate) {
      made.why.emplace_back("policy colocate: the CPUs of the VM's own vCPUs, one after the other");
      add_vcpu_cpus(item, made);
      return made;
    }
    const auto nearest = cost_of(item);
    for (const auto& cpu : host_.topology.cpus) {
      const auto site = std::ranges::find(sites_, cpu.number, &Site::cpu);
      const bool chosen = item.target == cpu.number;
      auto rule =
          site == sites_.end() ? rule_against(cpu) : rule_against_site(item, *site, nearest);
      if (chosen || rule.empty()) {
        made.candidates.push_back(candidate(item, cpu, site->first, site->taken));
      } else {
        made.rejected.push_back({cpu.number, std::move(rule)});
      }
    }
    std::ranges::stable_sort(made.candidates, {}, [](const CandidateFact& fact) {
      return std::tuple(!fact.chosen, fact.distance, !fact.first_thread, fact.load, fact.vectors);
    });
    made.why = reasons(item, made);
    return made;
  }

  /// What keeps vectors off a CPU altogether; empty if nothing does.
  [[nodiscard]] std::string rule_against(const Cpu& cpu) const {
    if (!cpu.online) {
      return fmt::format("cpu{}: offline", cpu.number);
    }
    const auto found = index_.protections.find(cpu.number);
    if (found != index_.protections.end()) {
      return protection_text(cpu.number, found->second.front());
    }
    return (index_.housekeeping | index_.pool).contains(cpu.number)
               ? ""
               : fmt::format("cpu{}: not in --housekeeping", cpu.number);
  }

 private:
  // What the item gives its target.
  [[nodiscard]] double load_by(const Item& item) const {
    const auto* cpu = find_cpu(host_.topology, *item.target);
    return cpu != nullptr ? load_of(*cpu, item.rate.value_or(0)) : 0;
  }

  // What CPUs carry that are no sites, once all is done: `colocate` gives vectors to them.
  void count_elsewhere() {
    RatesByCpu load;
    std::map<int, std::size_t> vectors;
    const auto planned = planned_host(host_, plan_);
    for (const auto& irq : planned.irqs) {
      add_rates(planned, irq, std::nullopt, load);
      const auto at = only_cpu(delivery_of(planned, irq));
      if (at && !irq.actions.empty()) {
        ++vectors[*at];
      }
    }
    for (const auto& cpu : host_.topology.cpus) {
      if (std::ranges::find(sites_, cpu.number, &Site::cpu) == sites_.end()) {
        load_[cpu.number] = load_of(cpu, load[cpu.number]);
        vectors_[cpu.number] = vectors[cpu.number];
      }
    }
  }

  // Under `colocate`: candidates and rejections, in the order in which the CPUs take turns.
  void add_vcpu_cpus(const Item& item, VectorExplanation& made) const {
    const auto own =
        item.vm != nullptr ? planning::vcpu_cpus(index_, *item.vm, item.home) : std::vector<int>();
    for (const int number : own) {
      if (const auto* cpu = find_cpu(host_.topology, number)) {
        made.candidates.push_back(
            candidate(item, *cpu, cpu->siblings.first().value_or(number) == number, 0));
      }
    }
    // Not std::ranges: clang 14 cannot compile that of libstdc++ 12.
    std::stable_partition(made.candidates.begin(),
                          made.candidates.end(),
                          [](const CandidateFact& fact) { return fact.chosen; });
    for (const auto& cpu : host_.topology.cpus) {
      if (std::ranges::find(own, cpu.number) == own.end()) {
        made.rejected.push_back({cpu.number, rule_against_colocation(cpu)});
      }
    }
  }

  [[nodiscard]] std::string rule_against_colocation(const Cpu& cpu) const {
    if (!cpu.online) {
      return fmt::format("cpu{}: offline", cpu.number);
    }
    return index_.policy->protection.avoid.contains(cpu.number)
               ? fmt::format("cpu{}: in --avoid", cpu.number)
               : fmt::format("cpu{}: no pinned vCPU of the VM runs there", cpu.number);
  }

  // Cost of the nearest node that gave the vector a CPU.
  [[nodiscard]] int cost_of(const Item& item) const {
    return item.target ? planning::cost(index_, item.home, planning::node_of(index_, *item.target))
                       : 0;
  }

  [[nodiscard]] std::string rule_against_site(const Item& item,
                                              const Site& site,
                                              int nearest) const {
    if (site.slots == 0) {
      return fmt::format("cpu{}: no vector left, {} there", site.cpu, site.taken);
    }
    if (site.busy) {
      return fmt::format(
          "cpu{}: above {:g} % interrupt time already", site.cpu, index_.policy->busy_threshold);
    }
    auto pool = rule_against_pool(item, site);
    if (!pool.empty()) {
      return pool;
    }
    const auto far = planning::cost(index_, item.home, site.node);
    if (item.target && far > nearest && site.node) {
      return fmt::format(
          "cpu{}: node {}, distance {}", site.cpu, static_cast<std::uint32_t>(*site.node), far);
    }
    const auto used = vectors_.find(site.cpu);
    const bool full = used != vectors_.end() && used->second >= site.slots;
    return full ? fmt::format("cpu{}: full, {} with this plan",
                              site.cpu,
                              counted(used->second + site.taken, "vector"))
                : "";
  }

  // Pool CPUs and low-power cores come after the others; empty if neither is the reason.
  [[nodiscard]] std::string rule_against_pool(const Item& item, const Site& site) const {
    const auto target =
        std::ranges::find_if(sites_, [&](const Site& other) { return item.target == other.cpu; });
    if (target == sites_.end()) {
      return "";
    }
    if (site.pool && !target->pool) {
      return fmt::format("cpu{}: of a pool, and a housekeeping CPU has room", site.cpu);
    }
    const bool spared = site.low_power && !target->low_power && item.role == Role::primary;
    return spared ? fmt::format("cpu{}: a low-power core, and another core has room", site.cpu)
                  : "";
  }

  // `taken`: vectors that are not planned.
  [[nodiscard]] CandidateFact candidate(const Item& item,
                                        const Cpu& cpu,
                                        bool first,
                                        std::size_t taken) const {
    CandidateFact fact;
    fact.cpu = cpu.number;
    fact.node = cpu.node;
    if (item.home && cpu.node) {
      fact.distance = distance(host_.topology, *item.home, *cpu.node);
    }
    fact.core = cpu.core;
    fact.first_thread = first;
    fact.shares_cache =
        item.place != nullptr && cpu.llc && std::ranges::binary_search(item.place->llcs, *cpu.llc);
    if (host_.rate_source != RateSource::none) {
      fact.load = load_.at(cpu.number);
    }
    const auto used = vectors_.find(cpu.number);
    fact.vectors = taken + (used != vectors_.end() ? used->second : 0);
    fact.chosen = item.target == cpu.number;
    return fact;
  }

  [[nodiscard]] std::vector<std::string> reasons(const Item& item,
                                                 const VectorExplanation& made) const {
    std::vector<std::string> lines{made.assignment.reason};
    if (!item.target || made.candidates.empty()) {
      return lines;
    }
    const auto& winner = made.candidates.front();
    if (!made.assignment.change) {
      lines.push_back(fmt::format("it is there already, and no other CPU gains {:g} % balance",
                                  index_.policy->min_gain));
      return lines;
    }
    if (item.home && winner.distance) {
      lines.push_back(fmt::format("nearest: distance {} from node {}",
                                  *winner.distance,
                                  static_cast<std::uint32_t>(*item.home)));
    }
    lines.emplace_back(item.role == Role::primary
                           ? "a primary: one to a core first, on first threads"
                           : "an auxiliary: to a sibling thread, else the least loaded CPU");
    if (winner.load) {
      lines.push_back(fmt::format("cpu{} then carries {}/s", winner.cpu, rate_text(winner.load)));
    }
    return lines;
  }

  Host host_;
  Plan plan_;
  Index index_;
  std::vector<Item> items_;
  std::vector<Site> sites_;
  std::map<int, double> load_;
  std::map<int, std::size_t> vectors_;
};

std::optional<double> load_on(const Host& host, const Cpu& cpu) {
  if (host.rate_source == RateSource::none) {
    return std::nullopt;
  }
  double sum = 0;
  for (const auto& irq : host.irqs) {
    sum += rate_on(host, irq, cpu.number);
  }
  return load_of(cpu, sum);
}

}  // namespace

std::optional<VectorExplanation> explain_vector(const Host& host,
                                                const Policy& policy,
                                                IrqNumber irq) {
  const Explainer explainer(host, policy);
  const auto& planned = explainer.plan().assignments;
  const auto found = std::ranges::find(planned, irq, &Assignment::irq);
  if (found == planned.end()) {
    return std::nullopt;
  }
  return explainer.vector(static_cast<std::size_t>(found - planned.begin()));
}

std::optional<CpuExplanation> explain_cpu(const Host& host, const Policy& policy, int cpu) {
  const Explainer explainer(host, policy);
  const auto* found = find_cpu(explainer.host().topology, cpu);
  if (found == nullptr) {
    return std::nullopt;
  }
  CpuExplanation made;
  made.cpu = cpu;
  made.online = found->online;
  made.housekeeping = explainer.plan().housekeeping.contains(cpu);
  const auto protectors = explainer.plan().protections.find(cpu);
  if (protectors != explainer.plan().protections.end()) {
    made.rules = protection_texts(cpu, protectors->second);
  }
  if (made.rules.empty() && !made.housekeeping) {
    made.rules.push_back(explainer.rule_against(*found));
  }
  made.load_before = load_on(explainer.host(), *found);
  made.load_after = load_on(planned_host(explainer.host(), explainer.plan()), *found);
  for (const auto& assignment : explainer.plan().assignments) {
    const auto& now = assignment.delivery.cpus;
    if (now.contains(cpu)) {
      made.before.push_back(assignment);
    }
    if ((assignment.change ? assignment.to : now).contains(cpu)) {
      made.after.push_back(assignment);
    }
  }
  return made;
}

std::optional<DeviceExplanation> explain_device(const Host& host,
                                                const Policy& policy,
                                                const PciAddress& device) {
  const Explainer explainer(host, policy);
  DeviceExplanation made;
  made.device = device;
  const auto* found = find_device(explainer.host(), device);
  made.node = found != nullptr ? found->node : std::nullopt;
  const auto& planned = explainer.plan().assignments;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    if (planned[i].device == device) {
      made.vm = planned[i].vm;
      made.vectors.push_back(explainer.vector(i));
    }
  }
  return made.vectors.empty() ? std::nullopt : std::optional(std::move(made));
}

}  // namespace irqtune
