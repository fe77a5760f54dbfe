// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/keeper.h"

#include "support/catch.h"
#include "support/hosts/vfio_tree.h"

#include <algorithm>

namespace irqtune::test {

namespace {

Session watch_session(const VfioTree& tree) {
  auto session = tree.session();
  session.watch = true;
  return session;
}

/// The writes of the tree, each to a CPU further on.
std::vector<Write> shifted(const VfioTree& tree, int by) {
  auto writes = tree.writes();
  for (auto& write : writes) {
    write.after = CpuSet{by % 8};
  }
  return writes;
}

}  // namespace

TEST_CASE("keeper: a journal that is moved from place to place stays below 1 MiB", "[apply]") {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  constexpr int kRounds = 90;
  const VfioTree tree(40);
  const auto sysfs = tree.sysfs();
  const auto before = tree.masks();
  std::string id;
  {
    Keeper keeper(sysfs, tree.session(), quick_options());
    std::size_t largest = 0;
    for (int i = 0; i < kRounds; ++i) {
      for (const auto& outcome : keeper.place(shifted(tree, i))) {
        REQUIRE(is_success(outcome.state));
      }
      largest = i % 5 == 0 ? std::max(largest, tree.journal().size()) : largest;
    }
    CHECK(largest < kMost);
    id = keeper.id();
    keeper.settled();
  }
  CHECK(history(tree.session()).size() == 1);
  CHECK(tree.journal().size() < kMost);
  {
    const Keeper next(sysfs, watch_session(tree), quick_options());
    CHECK(next.id() == id);
    CHECK(next.taken_over().size() == 40);
  }
  const auto reports = roll_back({}, sysfs, tree.session(), quick_options());
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
}

TEST_CASE("keeper: what irqbalance bans for it is known to the next one", "[apply]") {
  const VfioTree tree(2);
  const auto sysfs = tree.sysfs();
  const IrqSet banned{IrqNumber{30}, IrqNumber{31}};
  {
    Keeper keeper(sysfs, tree.session(), quick_options());
    keeper.note_banned(banned);  // Before anything is written.
  }
  {
    Keeper next(sysfs, tree.session(), quick_options());
    CHECK(next.banned() == banned);
    static_cast<void>(next.place(tree.writes()));
    next.note_banned({});
  }
  const Keeper last(sysfs, tree.session(), quick_options());
  CHECK(last.banned().empty());
}

}  // namespace irqtune::test
