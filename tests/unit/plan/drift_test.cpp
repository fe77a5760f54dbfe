// SPDX-License-Identifier: Apache-2.0
// What `check` calls drift, and what `apply --repair` makes of it.
#include "irqtune/plan/drift.h"

#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

#include <string>
#include <vector>

namespace irqtune::test {

namespace {

constexpr const char* kDevice = "0000:3b:00.0";

/// Two nodes of four cores with two threads; vm1 pins cores 2 and 3 and has the device of node 0,
/// so that 0, 1, 8 and 9 may take its vectors.
Host host_with(const std::vector<std::string>& masks) {
  auto host = two_nodes();
  for (const auto& mask : masks) {
    add_vector(host, kDevice, mask, 100);
  }
  return host;
}

Drift drift_of(const Host& host,
               const std::vector<AppliedMask>& masks = {},
               Strictness strictness = Strictness::placed) {
  return find_drift(make_plan(host, {}), host, masks, strictness);
}

AppliedMask applied(const Host& host, const CpuSet& after) {
  const auto& irq = host.irqs.at(0);
  AppliedMask mask;
  mask.write.identity.emplace();
  mask.write.identity->irq = irq.number;
  mask.write.identity->vector = irq.vector;
  mask.write.before = "0-15";
  mask.write.after = after;
  mask.irq = irq.number;
  mask.now = irq.affinity;
  return mask;
}

}  // namespace

TEST_CASE("drift: a vector on a vCPU's core is drift, one elsewhere on good CPUs is told",
          "[plan][check]") {
  // The three on cpu0 would be spread by a plan.
  const auto host = host_with({"2", "0", "0", "0"});
  const auto drift = drift_of(host);
  REQUIRE(drift.entries.size() == 1);
  CHECK(drift.entries[0].irq == host.irqs.at(0).number);
  CHECK_FALSE(drift.elsewhere.empty());
  const auto exact = drift_of(host, {}, Strictness::exact);
  CHECK(exact.entries.size() == drift.entries.size() + drift.elsewhere.size());
  CHECK(exact.elsewhere.empty());
}

TEST_CASE("drift: a vector on a farther node than a plan would give it is drift", "[plan][check]") {
  const auto drift = drift_of(host_with({"4"}));
  REQUIRE(drift.entries.size() == 1);
  CHECK(drift.elsewhere.empty());
}

TEST_CASE("drift: a place that nobody knows is drift where a plan would write", "[plan][check]") {
  auto host = host_with({"0"});
  host.irqs.at(0).affinity = cpus("0-1");
  host.irqs.at(0).effective.reset();
  host.irqs.at(0).rates.clear();
  CHECK(make_plan(host, {}).before.unknown == 1);
  CHECK(drift_of(host).entries.size() == 1);
  SECTION("and none where its owner leaves it") {
    Policy policy;
    policy.policy = VmPolicy::leave;
    CHECK(find_drift(make_plan(host, policy), host, {}).entries.empty());
  }
}

TEST_CASE("drift: moved since the apply to a good CPU is told, to a vCPU's core is drift",
          "[plan][check]") {
  SECTION("good") {
    const auto host = host_with({"1"});
    const auto drift = drift_of(host, {applied(host, cpus("0"))});
    CHECK(drift.entries.empty());
    CHECK(drift.moved.size() == 1);
    CHECK(drift_of(host, {applied(host, cpus("0"))}, Strictness::exact).entries.size() == 1);
  }
  SECTION("a vCPU's") {
    const auto host = host_with({"2"});
    const auto drift = drift_of(host, {applied(host, cpus("0"))});
    CHECK(drift.moved.empty());
    REQUIRE(drift.entries.size() == 1);
    CHECK(drift.entries[0].expected == cpus("0"));
    CHECK(drift.entries[0].by_apply);
  }
}

TEST_CASE("drift: a mask that the kernel widened is told as that", "[plan][check]") {
  auto host = host_with({"1-15"});
  host.irqs.at(0).effective = cpus("2");
  SECTION("its CPU is offline") {
    host.topology.online = cpus("1-15");
    for (auto& cpu : host.topology.cpus) {
      cpu.online = cpu.number != 0;
    }
    const auto drift = drift_of(host, {applied(host, cpus("0"))});
    REQUIRE(drift.entries.size() == 1);
    CHECK(drift.entries[0].reason == "cpu0 went offline: the kernel widened the mask");
  }
  SECTION("its CPU is back") {
    const auto drift = drift_of(host, {applied(host, cpus("0"))});
    REQUIRE(drift.entries.size() == 1);
    CHECK_THAT(drift.entries[0].reason, Catch::Contains("it is online again"));
  }
  SECTION("someone else set it") {
    host.irqs.at(0).affinity = cpus("2-3");
    const auto drift = drift_of(host, {applied(host, cpus("0"))});
    REQUIRE(drift.entries.size() == 1);
    CHECK(drift.entries[0].reason == "changed since it was applied");
  }
}

TEST_CASE("repair: only what check names, at the place that a plan would give it",
          "[plan][check]") {
  auto host = host_with({"2", "0", "0", "0"});
  Policy policy;
  policy.default_affinity = true;
  host.default_affinity = cpus("0-15");
  const auto plan = make_plan(host, policy);
  auto drift = drift_of(host);
  const auto repair = repair_plan(plan, host, drift);
  CHECK(change_count(repair) == 1);
  CHECK_FALSE(repair.default_affinity);
  CHECK(repair.assignments.at(0).change);
  CHECK(repair.assignments.at(0).to == plan.assignments.at(0).to);
  CHECK(repair.after.collisions == 0);
  const auto after = planned_host(host, repair);
  CHECK(drift_of(after).entries.empty());
  CHECK(after.irqs.at(1).affinity == cpus("0"));

  SECTION("the default mask where it has drifted") {
    drift.entries.push_back({{}, {}, {}, cpus("0-1"), cpus("0-15"), "changed"});
    const auto both = repair_plan(make_plan(host, {}), host, drift);
    REQUIRE(both.default_affinity);
    CHECK(both.default_affinity->to == plan.housekeeping);
  }
}

}  // namespace irqtune::test
