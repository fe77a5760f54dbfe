// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"
#include "irqtune/plan/planner.h"
#include "irqtune/read/read.h"

#include "support/catch.h"
#include "support/dice.h"
#include "support/hosts/captured_host.h"
#include "support/plan_checks.h"
#include "support/seeds.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune::test {

namespace {

Host capture(const std::string& name) {
  ReadOptions options;
  options.detail = Detail::devices;
  return read_host(Sysfs(capture_file(name)), options);
}

/// The host with each rate of `base` times something from 0.5 to 2, wherever its masks are now.
Host shaken(const Host& host, const Host& base, Dice& dice) {
  auto made = host;
  for (auto& irq : made.irqs) {
    const double factor = dice.number(50, 200) / 100.0;
    const double rate = total_rate(*find_irq(base, irq.number)) * factor;
    const auto at = only_cpu(delivery_of(made, irq));
    for (auto& one : irq.rates) {
      one.rate *= factor;
    }
    if (at && rate > 0) {
      irq.rates = {{*at, rate}};
    }
  }
  return made;
}

/// What the reason must say if balance moved the vector.
std::string gain(const Host& round, const Plan& plan, const Assignment& moved) {
  const auto after = planned_host(round, plan);
  const auto on = [&](int cpu) {
    double sum = 0;
    for (const auto& irq : after.irqs) {
      sum += rate_on(after, irq, cpu);
    }
    return sum;
  };
  const int from = *moved.delivery.cpus.first();
  const int to = *moved.to.first();
  return fmt::format("to balance: with it {}/s, cpu{} {}/s",
                     rate_text(on(from) + moved.rate.value_or(0)),
                     to,
                     rate_text(on(to)));
}

void check_reasons(const Host& round, const Plan& plan) {
  for (const auto& assignment : plan.assignments) {
    const bool balance = assignment.reason.find("to balance") != std::string::npos;
    if (!assignment.change || !balance) {
      continue;
    }
    INFO(assignment.reason);
    const bool in_place = assignment.from && assignment.from->size() == 1;
    CHECK((!in_place || assignment.rate.value_or(0) > 0));
    CHECK((assignment.rate.value_or(0) <= 0 ||
           assignment.reason.find(gain(round, plan, assignment)) != std::string::npos));
  }
}

}  // namespace

TEST_CASE("rates that swing: after the first round only balance writes, and names its gain",
          "[property][plan][stability]") {
  const std::string name = GENERATE("igb-sriov", "l2-kvm", "libvirt-kvm", "two-vms");
  const auto base = capture(name);
  for (std::uint32_t seed = 0; seed < seed_count(3); ++seed) {
    Dice dice(seed);
    auto host = base;
    for (int round = 0; round < 9; ++round) {
      const auto now = shaken(host, base, dice);
      const auto plan = make_plan(now, {});
      INFO(name << " seed " << seed << " round " << round << "\n" << dump(plan));
      check_reasons(now, plan);
      for (const auto& assignment : plan.assignments) {
        const bool balance = assignment.reason.find("to balance: with it") != std::string::npos;
        CHECK((round == 0 || !assignment.change || balance));
      }
      host = planned_host(now, plan);
    }
  }
}

TEST_CASE("rates that swing: where each vector has a core, at most one round of nine writes",
          "[property][plan][stability]") {
  const std::string name = GENERATE("l2-kvm", "libvirt-kvm");
  const auto base = capture(name);
  for (std::uint32_t seed = 0; seed < seed_count(6); ++seed) {
    Dice dice(seed);
    auto host = base;
    int writing = 0;
    for (int round = 0; round < 9; ++round) {
      const auto now = shaken(host, base, dice);
      const auto plan = make_plan(now, {});
      writing += change_count(plan) > 0 ? 1 : 0;
      host = planned_host(now, plan);
    }
    INFO(name << " seed " << seed);
    CHECK(writing <= 1);
  }
}

}  // namespace irqtune::test
