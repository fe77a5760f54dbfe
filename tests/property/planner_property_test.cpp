// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/oracle.h"
#include "support/random_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace irqtune::test {

namespace {

/// How many seeds to try: IRQTUNE_SEEDS, or a number that takes a few seconds.
std::uint32_t seeds(std::uint32_t usual) {
  const char* text = std::getenv("IRQTUNE_SEEDS");  // NOLINT(concurrency-mt-unsafe): one thread
  return text != nullptr ? static_cast<std::uint32_t>(std::stoul(text)) : usual;
}

bool has_in_place(const Plan& plan) {
  return std::ranges::any_of(plan.assignments,
                             [](const Assignment& a) { return a.from && a.from->size() == 1; });
}

std::string dump(const Plan& plan) {
  std::string text;
  for (const auto& a : plan.assignments) {
    text += fmt::format("{} {} {} rate {} from {} eff {} to {} {} d{} {} [{}]\n",
                        static_cast<std::uint32_t>(a.irq),
                        a.vm,
                        role_text(a.role),
                        a.rate.value_or(-1),
                        a.from ? a.from->to_list() : "?",
                        a.from_effective ? a.from_effective->to_list() : "?",
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

std::string differences(const Plan& plan, const Plan& again) {
  std::string text;
  for (std::size_t i = 0; i < plan.assignments.size(); ++i) {
    const auto& a = plan.assignments[i];
    const auto& b = again.assignments[i];
    if (b.change) {
      text += fmt::format("{} {} {} -> {} -> {} {}\n",
                          static_cast<std::uint32_t>(a.irq),
                          role_text(a.role),
                          a.from ? a.from->to_list() : "?",
                          a.to.to_list(),
                          b.to.to_list(),
                          b.reason);
    }
  }
  return text;
}

void check_rules(const Host& host, const Policy& policy, const Plan& plan) {
  const auto shielded = protected_cpus(protections(host, policy.protection));
  for (const auto& assignment : plan.assignments) {
    const auto* irq = find_irq(host, assignment.irq);
    REQUIRE(irq != nullptr);
    REQUIRE_FALSE(assignment.reason.empty());
    if (assignment.change) {
      REQUIRE(irq->settable != false);
      REQUIRE(assignment.to.size() == 1);
      REQUIRE(host.topology.online.contains_all(assignment.to));
      REQUIRE_FALSE(shielded.intersects(assignment.to));
      REQUIRE_FALSE(assignment.blocked);
    } else if (!assignment.blocked) {
      REQUIRE(irq->affinity == assignment.to);
    }
    if (assignment.blocked == Blocked::no_candidate) {
      REQUIRE(plan.housekeeping.empty());
    }
  }
  REQUIRE(plan.assignments.size() ==
          static_cast<std::size_t>(std::ranges::count_if(
              host.irqs, [](const Irq& irq) { return irq.vector.has_value(); })));
}

template <typename T>
void shuffle(std::vector<T>& list, std::mt19937& engine) {
  for (std::size_t i = list.size(); i > 1; --i) {
    std::swap(list[i - 1], list[engine() % i]);
  }
}

void check_stable(const RandomHost& random, const Plan& plan) {
  const auto after = planned_host(random.host, plan);
  const auto again = make_plan(after, random.policy);
  INFO(dump(plan));
  INFO(differences(plan, again));
  REQUIRE(change_count(again) == 0);
}

void check_order_does_not_matter(const RandomHost& random, const Plan& plan, std::uint32_t seed) {
  auto host = random.host;
  std::mt19937 engine(seed);
  shuffle(host.irqs, engine);
  shuffle(host.devices, engine);
  shuffle(host.vms, engine);
  shuffle(host.topology.cpus, engine);
  REQUIRE(dump(make_plan(host, random.policy)) == dump(plan));
}

}  // namespace

TEST_CASE("small hosts: no plan is better than the one made", "[property][plan]") {
  std::uint32_t planned = 0;
  std::uint32_t equal = 0;
  const auto count = seeds(150);
  for (std::uint32_t seed = 0; seed < count; ++seed) {
    const auto random = small_host(seed);
    const auto plan = make_plan(random.host, random.policy);
    INFO("seed " << seed << "\n" << dump(plan));
    check_rules(random.host, random.policy, plan);
    Oracle oracle(random.host, random.policy, plan);
    if (oracle.vectors() == 0) {
      continue;
    }
    ++planned;
    const auto ours = oracle.planned();
    const auto best = oracle.best();
    REQUIRE(ours.order() == best.order());
    const double slack =
        has_in_place(plan) && !random.policy.rebalance ? random.policy.min_gain / 100 : 0;
    REQUIRE(ours.largest <= best.largest * (1.05 + slack) + 1e-6);
    equal += ours.largest <= best.largest * (1 + 1e-9) ? 1U : 0U;
    REQUIRE_FALSE(oracle.fewer_moves_would_do(ours));
    if (plan.lower_bound) {
      REQUIRE(*plan.lower_bound <=
              std::max(best.largest, *plan.after.max_cpu_rate) * (1 + 1e-9) + 1e-6);
    }
  }
  std::cout << fmt::format(
      "largest load as small as can be in {} of {} small plans\n", equal, planned);
}

TEST_CASE("any host: rules kept, nothing to do twice, order of input without effect",
          "[property][plan]") {
  const auto count = seeds(150);
  for (std::uint32_t seed = 0; seed < count; ++seed) {
    const auto random = seed % 3 == 0 ? large_host(seed) : small_host(seed + 1'000'000);
    const auto plan = make_plan(random.host, random.policy);
    INFO("seed " << seed);
    check_rules(random.host, random.policy, plan);
    check_stable(random, plan);
    check_order_does_not_matter(random, plan, seed);
  }
}

}  // namespace irqtune::test
