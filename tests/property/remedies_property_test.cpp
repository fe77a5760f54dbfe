// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/diagnose/diagnose.h"
#include "irqtune/plan/planner.h"
#include "irqtune/read/read.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/hosts/random_host.h"
#include "support/seeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

// A finding whose remedy is a call of `irqtune apply` is gone once that call's plan is carried out.

namespace irqtune::test {

namespace {

std::vector<Finding> diagnosed(const Host& host) {
  const auto plan = make_plan(host, {});
  Policy policy;
  policy.rebalance = true;
  const Settings settings;
  return diagnose(
      {host, plan.protections, plan, settings, 500, make_plan(host, policy).after.max_cpu_rate});
}

/// The policy of "irqtune apply --vm db1 --scope evict"; empty optional if the step is something
/// else.
std::optional<Policy> policy_of(std::string_view step) {
  constexpr std::string_view kCommand = "irqtune apply";
  const auto at = step.find(kCommand);
  if (at == std::string_view::npos || step.substr(0, at).find("after") != std::string_view::npos) {
    return std::nullopt;
  }
  Policy policy;
  const auto options = words(step.substr(at + kCommand.size()));
  for (std::size_t i = 0; i < options.size(); ++i) {
    const auto value = i + 1 < options.size() ? std::string(options[i + 1]) : std::string();
    if (options[i] == "--vm") {
      policy.vms.push_back(value);
    } else if (options[i] == "--device") {
      policy.devices.push_back(value);
    } else if (options[i] == "--scope") {
      policy.scope = parse_scope(value).value();
    }
    policy.rebalance = policy.rebalance || options[i] == "--rebalance";
    policy.default_affinity = policy.default_affinity || options[i] == "--default-affinity";
  }
  return policy;
}

Host remedied(const Host& host, const Policy& policy) {
  const auto plan = make_plan(host, policy);
  auto after = planned_host(host, plan);
  if (plan.default_affinity) {
    after.default_affinity = plan.default_affinity->to;
  }
  return after;
}

/// Findings that `irqtune apply` alone cures, where it can.
bool is_cured_by_apply(const Finding& finding) {
  constexpr std::array<std::string_view, 7> kIds = {"vector-on-vcpu",
                                                    "vector-on-vcpu-sibling",
                                                    "vector-on-isolated",
                                                    "vector-remote",
                                                    "cpu-crowded",
                                                    "irq-one-cpu",
                                                    "default-affinity-on-vcpu"};
  return std::ranges::find(kIds, finding.id) != kIds.end();
}

/// True if the plan can move none of the interrupts.
bool is_blocked(const Host& host, const std::vector<IrqNumber>& irqs) {
  const auto plan = make_plan(host, {});
  return std::ranges::all_of(irqs, [&](IrqNumber irq) {
    const auto found = std::ranges::find(plan.assignments, irq, &Assignment::irq);
    return found != plan.assignments.end() && found->blocked.has_value();
  });
}

/// How many findings were told to be cured by which command, and were.
std::size_t check_cures(const Host& host, const std::string& name) {
  std::size_t cured = 0;
  for (const auto& finding : diagnosed(host)) {
    const auto step = std::ranges::find_if(
        finding.remedy, [](const std::string& text) { return policy_of(text).has_value(); });
    if (!is_cured_by_apply(finding) || step == finding.remedy.end()) {
      continue;
    }
    const auto after = diagnosed(remedied(host, *policy_of(*step)));
    INFO(name << ": " << finding.id << ": " << finding.title << "\n" << *step);
    const auto left = std::ranges::find(after, finding.id, &Finding::id);
    // What cannot be moved is said to stay.
    const bool stays = left != after.end() && is_blocked(host, left->irqs);
    CHECK((left == after.end() || stays ? std::string() : left->title) == "");
    ++cured;
  }
  return cured;
}

}  // namespace

TEST_CASE("remedies: an apply that a finding asks for makes it go away", "[property][diagnose]") {
  std::size_t cured = 0;
  std::vector<std::uint32_t> seeds = {211, 307};  // No plan reaches their lower bounds.
  for (std::uint32_t seed = 0; seed < seed_count(16); ++seed) {
    seeds.push_back(seed);
  }
  for (const auto seed : seeds) {
    auto host = large_host(seed).host;
    host.default_affinity = host.topology.online;
    cured += check_cures(host, fmt::format("seed {}", seed));
  }
  CHECK(cured > 2 * seeds.size());
}

TEST_CASE("remedies: on the captured hosts too", "[property][diagnose][hosts]") {
  const auto name = GENERATE(from_range(captures_with_vms()));
  ReadOptions options;
  options.detail = Detail::devices;
  const auto host = read_host(Sysfs(capture_file(name)), options);
  const bool has_pins = !make_plan(host, {}).protections.empty();
  CHECK((check_cures(host, name) > 0) == has_pins);
}

}  // namespace irqtune::test
