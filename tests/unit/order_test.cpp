// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "support/catch.h"

#include <algorithm>
#include <map>

namespace irqtune {

namespace {

Assignment move(unsigned irq, int from, int to) {
  Assignment assignment;
  assignment.irq = IrqNumber{irq};
  assignment.actions = {"x"};
  assignment.from = CpuSet{from};
  assignment.from_effective = CpuSet{from};
  assignment.to = CpuSet{to};
  assignment.change = from != to;
  return assignment;
}

/// The most vectors that any CPU had at any time while the writes went through.
int highest_load(const Plan& plan) {
  std::map<int, int> load;
  std::map<IrqNumber, int> at;
  for (const auto& assignment : plan.assignments) {
    at[assignment.irq] = assignment.from->first().value();
    ++load[at[assignment.irq]];
  }
  int highest = 0;
  for (const auto& write : writes_for(plan)) {
    --load[at[write.identity->irq]];
    highest = std::max(highest, ++load[write.after.first().value()]);
  }
  return highest;
}

}  // namespace

TEST_CASE("order: no CPU passes its budget on the way", "[apply]") {
  Plan plan;
  plan.policy.max_vectors_per_cpu = 2;
  // CPU 0 and 1 are full. In the order of the numbers, CPU 1 would hold three for a while.
  plan.assignments = {move(10, 0, 1), move(11, 0, 0), move(12, 1, 2), move(13, 1, 1)};
  CHECK(highest_load(plan) == 2);
  CHECK(writes_for(plan).at(0).identity->irq == IrqNumber{12});
}

TEST_CASE("order: a ring of full CPUs is broken somewhere, once", "[apply]") {
  Plan plan;
  plan.policy.max_vectors_per_cpu = 1;
  plan.assignments = {move(10, 0, 1), move(11, 1, 2), move(12, 2, 0)};
  CHECK(writes_for(plan).size() == 3);
  CHECK(highest_load(plan) == 2);
}

TEST_CASE("order: without need it is the order of the numbers, the default mask first", "[apply]") {
  Plan plan;
  plan.assignments = {move(10, 0, 1), move(11, 0, 0), move(12, 1, 2)};
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
