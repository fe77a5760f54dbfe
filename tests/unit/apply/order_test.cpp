// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "support/catch.h"

#include <algorithm>
#include <map>
#include <random>

namespace irqtune {

namespace {

Assignment move(unsigned irq, int from, int to) {
  Assignment assignment;
  assignment.irq = IrqNumber{irq};
  assignment.actions = {"x"};
  assignment.from = CpuSet{from};
  assignment.from_effective = CpuSet{from};
  assignment.delivery = {DeliveryState::settled, CpuSet{from}};
  assignment.to = CpuSet{to};
  assignment.change = from != to;
  return assignment;
}

/// By how many vectors any CPU had more on the way than it has both before and after.
int excess(const Plan& plan) {
  std::map<int, int> load;
  std::map<int, int> after;
  std::map<IrqNumber, int> at;
  for (const auto& assignment : plan.assignments) {
    at[assignment.irq] = assignment.from->first().value();
    ++load[at[assignment.irq]];
    ++after[assignment.to.first().value()];
  }
  auto most = load;
  for (const auto& [cpu, count] : after) {
    most[cpu] = std::max(most[cpu], count);
  }
  int highest = 0;
  for (const auto& write : writes_for(plan)) {
    const auto to = write.after.first().value();
    --load[at[write.identity->irq]];
    highest = std::max(highest, ++load[to] - most[to]);
  }
  return highest;
}

}  // namespace

TEST_CASE("order: no CPU passes its budget on the way", "[apply]") {
  Plan plan;
  // Whatever CPU 1 carries besides, two vectors of the plan had and have room there. In the order
  // of the numbers it would hold three for a while.
  plan.assignments = {move(10, 0, 1), move(11, 0, 0), move(12, 1, 2), move(13, 1, 1)};
  CHECK(excess(plan) == 0);
  CHECK(writes_for(plan).size() == 2);
  CHECK(writes_for(plan).at(0).identity->irq == IrqNumber{12});
}

TEST_CASE("order: the last free place is for those who make room themselves", "[apply]") {
  Plan plan;
  // CPU 3 has one free place: taken by IRQ 10, CPUs 1 and 3 would wait for each other.
  plan.assignments = {
      move(10, 2, 3), move(11, 1, 3), move(12, 3, 1), move(13, 3, 3), move(14, 1, 1)};
  CHECK(excess(plan) == 0);
  CHECK(writes_for(plan).size() == 3);
}

TEST_CASE("order: a ring of full CPUs is broken somewhere, once", "[apply]") {
  Plan plan;
  plan.assignments = {move(10, 0, 1), move(11, 1, 2), move(12, 2, 0)};
  CHECK(writes_for(plan).size() == 3);
  CHECK(excess(plan) == 1);
}

TEST_CASE("order: every change once, and no CPU more than one above its budget", "[apply]") {
  std::mt19937 random(7);
  const auto pick = [&](int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  };
  for (int run = 0; run < 500; ++run) {
    Plan plan;
    std::size_t changes = 0;
    const int cpus = 2 + pick(8);
    for (unsigned irq = 1; irq <= 40; ++irq) {
      plan.assignments.push_back(move(irq, pick(cpus), pick(cpus)));
      changes += plan.assignments.back().change ? 1U : 0U;
    }
    CAPTURE(run);
    CHECK(writes_for(plan).size() == changes);
    CHECK(excess(plan) <= 1);
  }
}

TEST_CASE("order: without need it is the order of the numbers, the default mask first", "[apply]") {
  Plan plan;
  plan.assignments = {move(10, 0, 1), move(11, 0, 0), move(12, 3, 2)};
  plan.default_affinity = DefaultAffinity{CpuSet{0, 1}, CpuSet{0}};
  const auto writes = writes_for(plan);
  REQUIRE(writes.size() == 3);
  CHECK_FALSE(writes[0].identity);
  CHECK(writes[0].before == "3");
  CHECK(writes[1].identity->irq == IrqNumber{10});
  CHECK(writes[2].identity->irq == IrqNumber{12});
  plan.default_affinity->from = CpuSet{0};
  CHECK(writes_for(plan).size() == 2);
}

TEST_CASE("order: a posted vector is known as such", "[apply]") {
  Plan plan;
  plan.assignments = {move(10, 0, 1)};
  plan.assignments[0].posted = Posted::posted;
  CHECK(writes_for(plan).at(0).identity->posted);
  plan.assignments[0].posted = Posted::possible;
  CHECK_FALSE(writes_for(plan).at(0).identity->posted);
}

}  // namespace irqtune
