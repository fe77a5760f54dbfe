// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"
#include "support/plan_checks.h"

#include <algorithm>

namespace irqtune::test {

TEST_CASE("where every CPU is protected, nothing moves and the plan names the pins", "[plan]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"0", "1"}, {kNic});
  add_vector(host, kNic, "1");
  const auto plan = make_plan(host, {});
  CHECK(plan.assignments[0].blocked == Blocked::no_candidate);
  CHECK_FALSE(plan.assignments[0].change);
  CHECK(warns(plan, "vm1 pins 0-1"));
}

TEST_CASE("the pins that stand in the way are named, by whatever they protect", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "2");
  Policy policy;
  policy.housekeeping = cpus("10-11");  // Siblings of 2 and 3.
  CHECK(warns(make_plan(host, policy),
              "--housekeeping 10-11 names protected ones only (vm1 pins 2-3), so 1 vector stays; "
              "give CPUs that are online"));
  policy.housekeeping = cpus("3,5");
  add_vm(host, "vm2", {"5"}, {});
  add_vm(host, "vm3", {"6"}, {});
  CHECK(warns(make_plan(host, policy), "(vm1 pins 3, vm2 pins 5)"));
  policy.housekeeping.reset();
  policy.protection.avoid = host.topology.online;
  host.vms.clear();
  CHECK(warns(make_plan(host, policy),
              "is protected (--avoid 0-15), so 1 vector stays; leave a CPU"));
}

TEST_CASE("a shared line is moved, and named", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "2").actions = {"vfio-intx(0000:3b:00.0)", "uhci_hcd:usb1"};
  CHECK(warns(make_plan(host, {}), "is shared (vfio-intx(0000:3b:00.0), uhci_hcd:usb1)"));
}

TEST_CASE("a plan tells of what is in its way", "[plan]") {
  auto host = two_nodes();
  add_vector(host, kNic, "2");
  Policy policy;
  CHECK(make_plan(host, policy).warnings.empty());
  SECTION("a VM whose vCPUs float") {
    for (auto& vcpu : host.vms[0].vcpus) {
      vcpu.pinned = false;
      vcpu.cpus = host.topology.online;
    }
    CHECK(warns(make_plan(host, policy), "vm1 has no pinned vCPU: no core can be kept clear"));
  }
  SECTION("CPUs that do little else than interrupts") {
    host.topology.cpus[1].irq_busy = 0.9;
    CHECK(warns(make_plan(host, policy), "CPUs 1 spend more than 80 % of their time"));
    policy.busy_threshold = 95;
    CHECK(make_plan(host, policy).warnings.empty());
  }
  SECTION("colocation without pins") {
    host.vms[0].vcpus = {};
    policy.policy = VmPolicy::colocate;
    CHECK(warns(make_plan(host, policy), "vm1: policy colocate, but no pinned vCPU"));
  }
  SECTION("masks that cannot be read") {
    host.irqs[0].affinity.reset();
    CHECK(warns(make_plan(host, policy), "the masks of 1 vector could not be read"));
  }
  SECTION("a node where new vectors find no CPU") {
    host.topology.isolated = cpus("4-7,12-15");
    policy.default_affinity = true;
    CHECK(warns(make_plan(host, policy), "--default-affinity: node 1 has no housekeeping CPU"));
    policy.protection.avoid = host.topology.online;
    CHECK(
        warns(make_plan(host, policy), "--default-affinity: no housekeeping CPU, so the default"));
  }
}

TEST_CASE("a plan tells that it makes the busiest CPU busier, and why", "[plan]") {
  auto host = two_nodes();
  host.rate_source = RateSource::sampled;
  add_host_irq(host, "eth0", "0", 100);
  add_vector(host, kNic, "2", 300);
  CHECK(warns(make_plan(host, {}),
              "the busiest housekeeping CPU gets busier by 200/s (100/s -> 300/s): 1 vector with "
              "300/s comes off protected CPUs"));
  host.irqs[0].rates = {{0, 500.0}};
  CHECK(make_plan(host, {}).warnings.empty());
}

TEST_CASE("a warning stands once, whatever number of vectors it is about", "[plan]") {
  auto host = make_host({.nodes = 2, .cores = 2});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"2"}, {kNic});
  add_vector(host, kNic, "2");
  add_vector(host, kNic, "2");
  const auto standing = standing_conditions(host, {});
  REQUIRE(standing.size() == 1);
  CHECK(standing[0].starts_with("vm1 runs on node 1"));
  CHECK(make_plan(host, {}).warnings.empty());
}

}  // namespace irqtune::test
