// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/diagnose.h"

#include "irqtune/diagnose/ids.h"
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"
#include "support/hosts/random_host.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "diagnose/parts.h"

namespace irqtune::test {

namespace {

std::vector<Finding> diagnosed(const Host& host) {
  const auto plan = make_plan(host, {});
  const Settings settings;
  return diagnose({host, plan.protections, plan, settings});
}

bool sorted(const std::vector<Finding>& findings) {
  const auto rank = [](const Finding& finding) {
    return std::ranges::find(kFindingIds, finding.id) - kFindingIds.begin();
  };
  return std::ranges::is_sorted(findings, [&](const Finding& a, const Finding& b) {
    return std::pair(b.severity, rank(a)) < std::pair(a.severity, rank(b));
  });
}

void check_lines(const std::vector<std::string>& lines) {
  for (const auto& line : lines) {
    CHECK(line.find('\n') == std::string::npos);
  }
}

/// What holds of every finding.
void check_finding(const Finding& finding) {
  INFO(finding.id << ": " << finding.title);
  CHECK(std::ranges::find(kFindingIds, finding.id) != kFindingIds.end());
  CHECK_FALSE(finding.title.empty());
  CHECK_FALSE(finding.evidence.empty());
  CHECK_FALSE(finding.remedy.empty());
  CHECK(std::ranges::is_sorted(finding.irqs));
  CHECK(std::ranges::is_sorted(finding.devices));
  CHECK(std::ranges::is_sorted(finding.vms));
  check_lines(finding.evidence);
  check_lines(finding.remedy);
}

}  // namespace

TEST_CASE("diagnose: a host that is as it should be has no finding", "[diagnose]") {
  CHECK(diagnosed(Host{}).empty());
  CHECK(diagnosed(make_host({2, 4, 2, 1})).empty());
}

TEST_CASE("diagnose: worst first, then in the order of the ids, each known and complete",
          "[diagnose]") {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    auto host = large_host(seed).host;
    host.rate_source = RateSource::since_boot;
    auto& shared = add_host_irq(host, "a", "0", 9000);
    shared.actions = {"a", "b"};
    shared.line = Line{{}, 20'000};
    auto& guest = add_host_irq(host, "", "0", 9);
    guest.actions = {"a", "vfio-intx(0000:05:00.0)"};
    guest.vector = parse_vfio_action(guest.actions[1]);
    guest.device = guest.vector->device;
    guest.counts = {{0, 9}};
    const auto findings = diagnosed(host);
    CHECK(findings.size() >= 3);
    CHECK(sorted(findings));
    for (const auto& finding : findings) {
      check_finding(finding);
    }
  }
}

TEST_CASE("diagnose: ids are named once", "[diagnose]") {
  const std::set<std::string_view> unique(kFindingIds.begin(), kFindingIds.end());
  CHECK(unique.size() == kFindingIds.size());
}

TEST_CASE("diagnose: interrupts' numbers as ranges, however large", "[diagnose]") {
  std::vector<Irq> irqs(5);
  std::vector<const Irq*> pointers;
  for (std::size_t i = 0; i < irqs.size(); ++i) {
    irqs[i].number =
        std::array{IrqNumber{70001}, IrqNumber{5}, IrqNumber{70000}, IrqNumber{6}, IrqNumber{9}}[i];
    pointers.push_back(&irqs[i]);
  }
  CHECK(diagnosis::numbers_text(pointers) == "5-6,9,70000-70001");
  CHECK(diagnosis::numbers_text({}).empty());
}

}  // namespace irqtune::test
