// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/irqbalance.h"

#include "support/catch.h"
#include "support/fake_irqbalance.h"
#include "support/hosts/fake_tree.h"

namespace irqtune::test {

namespace {

IrqSet irqs(std::initializer_list<std::uint32_t> numbers) {
  IrqSet set;
  for (const auto number : numbers) {
    set.insert(IrqNumber{number});
  }
  return set;
}

IrqSet range(std::uint32_t first, std::uint32_t count) {
  IrqSet set;
  for (std::uint32_t i = 0; i < count; ++i) {
    set.insert(IrqNumber{first + i});
  }
  return set;
}

}  // namespace

TEST_CASE("irqbalance: what its setup says", "[apply]") {
  CHECK(parse_balance_setup("SLEEP 10 BANNED 00000000,00000003") == irqs({}));
  CHECK(parse_balance_setup("SLEEP 10 IRQ 97 LOAD 0 DIFF 0 CLASS 0 IRQ 98 LOAD 0 DIFF 0 CLASS 0 "
                            "BANNED 0") == irqs({97, 98}));
  CHECK(parse_balance_setup("SLEEP 10 IRQ 97") == irqs({97}));
  CHECK(parse_balance_setup("SLEEP 10 IRQ x LOAD") == irqs({}));
  CHECK(parse_balance_setup("") == std::nullopt);
  CHECK(parse_balance_setup("TYPE 0 NUMBER 0") == std::nullopt);
}

TEST_CASE("irqbalance: only what irqtune added is taken back", "[apply]") {
  const auto first = change_bans(irqs({5, 31}), irqs({30, 31}), {});
  CHECK(first.banned == irqs({5, 30, 31}));
  CHECK(first.ours == irqs({30}));
  const auto gone = change_bans(first.banned, irqs({31}), first.ours);
  CHECK(gone.banned == irqs({5, 31}));
  CHECK(gone.ours.empty());
  CHECK(change_bans(irqs({5, 30, 31}), {}, irqs({30})).banned == irqs({5, 31}));
}

TEST_CASE("irqbalance: a list that has no room is cut between numbers, the others' first",
          "[apply]") {
  CHECK(ban_text({}, {}, 100) == "settings ban irqs NONE");
  CHECK(ban_text(irqs({97, 98}), {}, 100) == "settings ban irqs 97 98");
  CHECK(ban_text(irqs({97, 98, 1000}), irqs({1000}), 9) == "settings ban irqs 1000 97");
}

TEST_CASE("irqbalance: is told and asked by its socket", "[apply]") {
  const FakeTree tree;
  const FakeIrqbalance balance(tree, irqs({5}));
  const auto sysfs = tree.sysfs();
  REQUIRE(balance_sockets(sysfs) == std::vector{balance.name()});
  CHECK(read_bans(sysfs, balance.name()) == irqs({5}));
  const auto told = set_bans(sysfs, balance.name(), irqs({5, 30, 31}), irqs({5}));
  REQUIRE(told);
  CHECK(told->banned == irqs({5, 30, 31}));
  CHECK(told->left_out == 0);
  release_bans(sysfs, irqs({30, 31}));
  CHECK(balance.banned() == irqs({5}));
  CHECK(set_bans(sysfs, balance.name(), {}, {})->banned.empty());
}

TEST_CASE("irqbalance: where its buffer is small, no number is cut", "[apply]") {
  const FakeTree tree;
  const std::size_t room = GENERATE(std::size_t{482}, std::size_t{255});
  const FakeIrqbalance balance(tree, {}, room);
  const auto many = range(1000, 200);
  const auto told = set_bans(tree.sysfs(), balance.name(), many, {});
  REQUIRE(told);
  CHECK(std::ranges::includes(many, told->banned));
  CHECK(told->left_out == many.size() - told->banned.size());
  CHECK(told->banned.size() == (room == 482 ? 96U : 51U));
}

TEST_CASE("irqbalance: a dead one's socket, and a tree's link, are none", "[apply]") {
  FakeTree tree;
  std::string name;
  {
    const FakeIrqbalance balance(tree);
    name = balance.name();
    const FakeTree other;
    std::filesystem::create_directories(other.root() / "run");
    std::filesystem::create_directory_symlink(tree.root() / "run/irqbalance",
                                              other.root() / "run/irqbalance");
    CHECK_FALSE(read_bans(other.sysfs(), name));
  }
  tree.file("/run/irqbalance/" + name, "");
  CHECK_FALSE(listens(tree.sysfs(), name));
  CHECK_FALSE(read_bans(tree.sysfs(), name));
}

}  // namespace irqtune::test
