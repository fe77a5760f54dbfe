// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/apply_wait.h"
#include "support/catch.h"
#include "support/hosts/make_host.h"

namespace irqtune::test {

namespace {

using Lines = std::vector<std::string>;

Lines missing(const Host& host, const ApplyCommand& options, const Policy& policy = {}) {
  return awaited(options, policy, host).missing;
}

ApplyCommand stable() {
  ApplyCommand options;
  options.wait_stable = 2;
  return options;
}

ApplyCommand wait_for(const std::string& what) {
  ApplyCommand options;
  options.wait_for = {what};
  return options;
}

}  // namespace

TEST_CASE("wait: a running VM that holds a device without a vector has not booted",
          "[cli][apply]") {
  auto host = two_nodes();
  CHECK(missing(host, stable()) ==
        Lines{"vm1: no vector yet of 0000:3b:00.0: its guest has not booted"});
  SECTION("its guest boots") {
    add_vector(host, kNic, "0");
    CHECK(missing(host, stable()).empty());
  }
  SECTION("it does not run") {
    host.vms.at(0).state = VmState::defined;
    CHECK(missing(host, stable()).empty());
  }
  SECTION("nobody asked for it") {
    Policy policy;
    policy.vms = {"vm2"};
    CHECK(missing(host, stable(), policy).empty());
  }
  SECTION("a wait for the VM alone") {
    CHECK(missing(host, wait_for("vm1")).empty());
  }
}

TEST_CASE("wait: for a VM until it runs, for a device until it is passed through", "[cli][apply]") {
  auto host = two_nodes();
  CHECK(missing(host, wait_for("vm2")) == Lines{"vm2: does not run"});
  CHECK(missing(host, wait_for("3b:00.0")).empty());
  CHECK(missing(host, wait_for("0000:3b:00.1")) == Lines{"0000:3b:00.1: not passed through"});
  host.vms.at(0).state = VmState::defined;
  CHECK(missing(host, wait_for("vm1")) == Lines{"vm1: does not run"});
  host.vms.at(0).vmid = 104;
  host.vms.at(0).state = VmState::running;
  CHECK(missing(host, wait_for("104")).empty());
  host.devices.at(0).passthrough = false;
  CHECK(missing(host, wait_for("3b:00.0")).size() == 1);
}

}  // namespace irqtune::test
