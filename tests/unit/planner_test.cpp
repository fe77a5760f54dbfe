// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/make_host.h"

using namespace irqtune;
using irqtune::test::add_device;
using irqtune::test::add_vector;
using irqtune::test::add_vm;
using irqtune::test::cpus;

namespace {

/// Two nodes of four cores with two threads; vm1 pins cores 2 and 3, and has a NIC on node 0.
Host two_nodes() {
  auto host = test::make_host({.nodes = 2, .cores = 4, .threads = 2, .llcs = 1});
  add_device(host, "0000:3b:00.0", NodeId{0});
  add_vm(host, "vm1", {"2", "3"}, {"0000:3b:00.0"});
  return host;
}

}  // namespace

TEST_CASE("a vector leaves a vCPU's core for a free core of its device's node", "[plan]") {
  auto host = two_nodes();
  add_vector(host, "0000:3b:00.0", "3");
  const auto plan = make_plan(host, {});
  REQUIRE(plan.assignments.size() == 1);
  CHECK(plan.assignments[0].to == cpus("0"));
  CHECK(plan.assignments[0].change);
  CHECK(plan.assignments[0].reason ==
        "off cpu3 (vCPU 1 of vm1); node 0, first thread of core 0, shares the last-level cache "
        "with the VM");
  CHECK(plan.before.collisions == 1);
  CHECK(plan.after.collisions == 0);
}

TEST_CASE("where every CPU is protected, nothing moves and the plan names the pins", "[plan]") {
  auto host = test::make_host({.nodes = 1, .cores = 2});
  add_device(host, "0000:3b:00.0", NodeId{0});
  add_vm(host, "vm1", {"0", "1"}, {"0000:3b:00.0"});
  add_vector(host, "0000:3b:00.0", "1");
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].blocked == Blocked::no_candidate);
  CHECK_FALSE(plan.assignments[0].change);
  REQUIRE(plan.warnings.size() == 1);
  CHECK(plan.warnings[0].find("vm1 pins 0-1") != std::string::npos);
}

TEST_CASE("planning the planned host changes nothing", "[plan]") {
  auto host = two_nodes();
  for (int i = 0; i < 6; ++i) {
    add_vector(host, "0000:3b:00.0", "0-15");
  }
  const auto plan = make_plan(host, {});
  CHECK(change_count(plan) == 6);
  CHECK(change_count(make_plan(planned_host(host, plan), {})) == 0);
}
