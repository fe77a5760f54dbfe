// SPDX-License-Identifier: Apache-2.0
#include "irqtune/top/frame.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

#include <algorithm>

namespace irqtune::test {

namespace {

/// CPUs 0-3; vm1's vCPU owns CPU 2; its vectors 0 and 1 go to CPUs 2 and 1; a disk's to CPU 0.
Host small_host() {
  auto host = make_host({1, 4, 1, 1});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"2"}, {kNic});
  add_vector(host, kNic, "2");
  add_vector(host, kNic, "1");
  add_host_irq(host, "nvme0q1", "0");
  return host;
}

/// A reading in which the host's interrupts counted so often on their CPUs.
LoadReading reading(const Host& host, double at, const std::vector<std::uint64_t>& counts) {
  LoadReading out;
  out.at = at;
  out.irqs = host.irqs;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    out.irqs[i].counts = {{*host.irqs[i].effective->first(), counts[i]}};
  }
  CounterRow timer;
  timer.label = "LOC";
  timer.counts = {{3, static_cast<std::uint64_t>(at * 250)}};
  out.counters = {timer};
  return out;
}

Frame frame_of(Host& host, const LoadReading& before, const LoadReading& after) {
  return make_frame(host, protections(host, {}), before, after);
}

}  // namespace

TEST_CASE("top: a frame has rates, owners and collisions", "[top]") {
  auto host = small_host();
  const auto frame =
      frame_of(host, reading(host, 10, {100, 50, 7}), reading(host, 12, {300, 50, 11}));
  CHECK(frame.seconds == Approx(2));
  CHECK(frame.vectors == 2);
  CHECK(frame.tally == Tally{1, 0});
  CHECK(frame.interrupts.passthrough == Approx(100));
  CHECK(frame.interrupts.host == Approx(2));
  CHECK(frame.interrupts.fixed == Approx(250));
  CHECK(frame.on_vcpu_cores.passthrough == Approx(100));
  CHECK_FALSE(frame.outdated);
  REQUIRE(frame.rows.size() == 3);
  CHECK(frame.rows[0].vm == "vm1");
  CHECK(frame.rows[0].rate == Approx(100));
  CHECK(frame.rows[0].standing == Standing::collision);
  CHECK(frame.rows[0].vcpus == "vCPU 0 of vm1");
  CHECK(frame.rows[1].rate == Approx(0));
  CHECK(frame.rows[1].standing == Standing::clear);
  CHECK_FALSE(frame.rows[2].vector);
  CHECK(frame.rows[2].handlers == "nvme0q1");
  REQUIRE(frame.cpus.size() == 4);
  CHECK(frame.cpus[2].vectors == 1);
  CHECK(frame.cpus[2].collisions == 1);
  CHECK(frame.cpus[1].collisions == 0);
}

TEST_CASE("top: before the first interval ends nothing is said of rates", "[top]") {
  auto host = small_host();
  const auto first = reading(host, 10, {100, 50, 7});
  const auto frame = frame_of(host, first, first);
  CHECK_FALSE(frame.rows[0].rate);
  CHECK(frame.tally.collisions == 1);
}

TEST_CASE("top: a frame that shows another host than was looked at is outdated", "[top]") {
  auto host = small_host();
  const auto before = reading(host, 10, {0, 0, 0});
  auto after = reading(host, 11, {5, 5, 5});
  SECTION("an interrupt came") {
    after.irqs.push_back(after.irqs.back());
    after.irqs.back().number = IrqNumber{9999};
  }
  SECTION("one went") {
    after.irqs.erase(after.irqs.begin());
  }
  SECTION("a number has another owner") {
    after.irqs[0].actions = {"eth0"};
  }
  SECTION("one was moved") {
    after.irqs[0].counts = {{3, 5}};
  }
  CHECK(frame_of(host, before, after).outdated);
}

TEST_CASE("top: an idle vector without a row does not make it so", "[top]") {
  auto host = small_host();
  const auto before = reading(host, 10, {0, 0, 0});
  const auto after = reading(host, 11, {5, 5, 5});
  auto& idle = add_vector(host, kNic, "1");
  idle.listed = false;
  CHECK_FALSE(frame_of(host, before, after).outdated);
}

TEST_CASE("top: where no file tells, the CPU that counts is the place", "[top]") {
  auto host = small_host();
  host.irqs[1].effective.reset();
  host.irqs[1].affinity = cpus("0-3");
  auto before = reading(small_host(), 10, {0, 0, 0});
  auto after = reading(small_host(), 11, {0, 5, 0});
  CHECK(frame_of(host, before, before).tally == Tally{1, 1});
  CHECK(frame_of(host, before, after).tally == Tally{1, 0});
}

}  // namespace irqtune::test
