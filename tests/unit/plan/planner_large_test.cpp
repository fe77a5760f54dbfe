// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"
#include "support/plan_checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune::test {

namespace {

/// 16 cores of two threads; NVMe drives with one admin vector and `queues` others each.
Host many_drives(int drives, int queues) {
  auto host = make_host({.nodes = 1, .cores = 16, .threads = 2, .llcs = 2});
  for (int drive = 0; drive < drives; ++drive) {
    const auto name = fmt::format("0000:{:02x}:00.0", drive);
    add_device(host, name, NodeId{0}).class_code = 0x010802;
    for (int i = 0; i <= queues; ++i) {
      add_vector(host, name, "0-31");
    }
  }
  return host;
}

int core_of(const Host& host, const Assignment& assignment) {
  return find_cpu(host.topology, *assignment.to.first())->core.value();
}

}  // namespace

TEST_CASE("large plans: an auxiliary goes beside a primary of its own device", "[plan]") {
  const auto host = many_drives(8, 2);
  const auto plan = make_plan(host, {});
  for (const auto& own : plan.assignments) {
    if (own.role == Role::auxiliary) {
      CHECK(std::ranges::any_of(plan.assignments, [&](const Assignment& other) {
        return other.device == own.device && other.role == Role::primary &&
               core_of(host, other) == core_of(host, own) && other.to != own.to;
      }));
    }
  }
}

TEST_CASE("large plans: of the siblings beside its device's primaries, one near the VM's cache",
          "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 16, .threads = 2, .llcs = 4});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"8", "9"}, {kNic});
  for (const double rate : {50'000.0, 3000.0, 800.0, 20.0, 10.0}) {
    add_vector(host, kNic, "8", rate);
  }
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].to.intersects(cpus("10-11")));
  for (const std::size_t i : {3U, 4U}) {
    CHECK(plan.assignments[i].role == Role::auxiliary);
    CHECK(plan.assignments[i].to.intersects(cpus("26-27")));
  }
}

TEST_CASE("large plans: what is well placed stays", "[plan]") {
  auto host = many_drives(8, 3);
  host = planned_host(host, make_plan(host, {}));
  SECTION("beside a new device") {
    add_device(host, kNic, NodeId{0});
    for (int i = 0; i < 8; ++i) {
      add_vector(host, kNic, "0-31");
    }
    CHECK(change_count(make_plan(host, {})) == 8);
  }
  SECTION("while an auxiliary leaves a first thread") {
    REQUIRE(make_plan(host, {}).assignments[0].role == Role::auxiliary);
    host.irqs[0].affinity = host.irqs[0].effective = cpus("3");
    CHECK(change_count(make_plan(host, {})) == 1);
  }
}

}  // namespace irqtune::test
