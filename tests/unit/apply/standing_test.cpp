// SPDX-License-Identifier: Apache-2.0
// What may still stand of an apply: what its journal owes, and what is done with.
#include "irqtune/apply/apply.h"

#include "apply/journal/files.h"
#include "support/catch.h"
#include "support/hosts/vfio_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>

namespace irqtune {

namespace {

ApplyReport rolled_back(const test::VfioTree& tree,
                        const Session& session,
                        const RollbackSelection& selection = {},
                        bool force = false) {
  auto options = test::quick_options();
  options.force = force;
  return roll_back(selection, tree.sysfs(), session, options).at(0);
}

/// IRQ 40, "eth0", of a device of the host, and a write to it.
Write add_host_irq(test::VfioTree& tree) {
  tree.add_vector(40, 0, "0000:02:00.0");
  tree.file("/sys/kernel/irq/40/actions", "eth0\n");
  const auto device = PciAddress::parse("0000:02:00.0");
  return {Identity{IrqNumber{40}, std::nullopt, device, {"eth0"}, false}, "", CpuSet{1}};
}

}  // namespace

TEST_CASE("apply: a host's interrupt that refuses with EIO is left and remembered, before 6.12",
          "[apply]") {
  test::VfioTree tree(2);
  const auto host = add_host_irq(tree);
  tree.file("/proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.follows = true;
  options.verify_timeout = {};
  options.write = [&](auto path, auto text, const auto& holds) {
    return path.find("/40/") != std::string_view::npos ? test::errno_code(EIO)
                                                       : sysfs.write(path, text, holds);
  };
  const bool alone = GENERATE(true, false);
  auto writes = alone ? std::vector<Write>{} : tree.writes();
  writes.push_back(host);
  for (unsigned i = 0; i < (alone ? 0U : 2U); ++i) {
    tree.file(fmt::format("/proc/irq/{}/effective_affinity_list", 30 + i), fmt::format("{}\n", i));
  }
  const auto report = apply(writes, sysfs, tree.session(), options);
  CHECK(report.state == (alone ? ApplyState::nothing_to_do : ApplyState::committed));
  CHECK(report.outcomes.back().state == WriteState::managed);
  CHECK(report.outcomes.back().error.empty());
  CHECK(tree.mask(40) == "0-7\n");
  const auto managed = managed_interrupts(tree.session());
  REQUIRE(managed.size() == 1);
  CHECK(managed[0].actions == std::vector<std::string>{"eth0"});
  CHECK(standing_writes(tree.session()).size() == (alone ? 0 : 2));
  // A rollback has to do with the others only.
  const auto undone = roll_back({}, sysfs, tree.session(), test::quick_options());
  CHECK(undone.empty() == alone);
  CHECK(managed_interrupts(tree.session()).size() == 1);

  SECTION("from 6.12 the file's mode tells, and EIO is a refusal") {
    tree.file("/proc/sys/kernel/osrelease", "6.12.95+deb12-amd64\n");
    const auto refused = apply({host}, sysfs, tree.session(), options);
    CHECK(refused.state == ApplyState::rolled_back);
    CHECK(refused.outcomes.back().state == WriteState::refused);
  }
}

TEST_CASE("apply: what was pending is not any more once its old CPU counts it again", "[apply]") {
  test::VfioTree tree(1);
  tree.file("/sys/kernel/irq/30/chip_name", "PCI-MSIX-0000:3b:00.0\n");
  tree.file("/sys/kernel/irq/30/per_cpu_count", "0,0,0,17,0,0,0,5\n");
  tree.file("/proc/irq/30/effective_affinity_list", "3\n");
  auto options = test::quick_options();
  options.follows = true;
  const auto report = apply(tree.writes(), tree.sysfs(), tree.session(), options);
  REQUIRE(report.outcomes.at(0).state == WriteState::pending);
  CHECK(report.outcomes.at(0).counted == 17);
  const auto moves = pending_moves(tree.session());
  REQUIRE(moves.size() == 1);
  CHECK(moves[0].cpu == 3);

  struct Fact {
    std::string what;
    std::string effective;
    std::vector<CpuCount> counts;
    std::optional<std::uint64_t> generation;
    bool counted;
  };

  const auto facts = std::to_array<Fact>({
      {"silent", "3", {{3, 17}, {7, 5}}, {}, false},
      {"counted there", "3", {{3, 18}, {7, 5}}, {}, true},
      {"moved", "0", {{0, 4}, {3, 18}}, {}, false},
      {"made anew", "3", {{3, 2}}, 99, false},
  });
  for (const auto& fact : facts) {
    CAPTURE(fact.what);
    auto noted = moves;
    noted[0].write.identity->generation = 98;
    Host host;
    auto& irq = host.irqs.emplace_back();
    irq.vector = noted[0].write.identity->vector;
    irq.effective = CpuSet::parse_list(fact.effective);
    irq.counts = fact.counts;
    irq.generation = fact.generation;
    mark_counted(noted, host);
    CHECK(irq.counted_since_write == fact.counted);
  }
  CHECK(rolled_back(tree, tree.session()).state == ApplyState::rolled_back);
  CHECK(pending_moves(tree.session()).empty());
}

TEST_CASE("rollback: a mask that the kernel widened is put back", "[apply]") {
  test::VfioTree tree(2);
  tree.file("/sys/devices/system/cpu/online", "0,2-7\n");
  static_cast<void>(apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options()));
  tree.set_mask(31, "0,2-7");
  const auto report = rolled_back(tree, tree.session());
  CHECK(report.state == ApplyState::rolled_back);
  CHECK_THAT(test::outcome_of(report, 31).hint, Catch::Contains("cpu1 went offline"));
  CHECK(tree.mask(31) == "0-7\n");
}

TEST_CASE("rollback: an interface that is down keeps its interrupt, and its mask", "[apply]") {
  test::VfioTree tree(0);
  const auto write = add_host_irq(tree);
  static_cast<void>(apply({write}, tree.sysfs(), tree.session(), test::quick_options()));
  tree.file("/sys/kernel/irq/40/actions", "\n");
  CHECK(rolled_back(tree, tree.session()).state == ApplyState::rolled_back);
  CHECK(tree.mask(40) == "0-7\n");
}

TEST_CASE("rollback: an interrupt whose handler has another name by now is told about", "[apply]") {
  test::VfioTree tree(0);
  const auto write = add_host_irq(tree);
  static_cast<void>(apply({write}, tree.sysfs(), tree.session(), test::quick_options()));
  tree.file("/sys/kernel/irq/40/actions", "lan0\n");
  const auto report = rolled_back(tree, tree.session());
  CHECK(report.state == ApplyState::partial);
  CHECK(report.outcomes.at(0).state == WriteState::failed);
  CHECK(report.outcomes.at(0).irq == IrqNumber{40});
  CHECK(report.outcomes.at(0).hint.ends_with("echo 0-7 >/proc/irq/40/smp_affinity_list"));
  CHECK(tree.mask(40) == "1\n");
  tree.set_mask(40, "0-7");
  CHECK(rolled_back(tree, tree.session()).state == ApplyState::rolled_back);
}

TEST_CASE("rollback: the number of a device that was unplugged is another's", "[apply]") {
  test::VfioTree tree(0);
  const auto write = add_host_irq(tree);
  static_cast<void>(apply({write}, tree.sysfs(), tree.session(), test::quick_options()));
  tree.remove_irq(40, "0000:02:00.0");
  std::filesystem::remove_all(tree.root() / "sys/bus/pci/devices/0000:02:00.0");
  tree.add_vector(40, 0, "0000:03:00.0", "1");
  tree.file("/sys/kernel/irq/40/actions", "eth0\n");
  const auto report = rolled_back(tree, tree.session());
  CHECK(report.outcomes.at(0).state == WriteState::vanished);
  CHECK(report.outcomes.at(0).irq == IrqNumber{40});
  CHECK(tree.mask(40) == "1\n");
}

TEST_CASE("rollback: a line is its device's only under its number", "[apply]") {
  test::VfioTree tree(0);
  auto write = add_host_irq(tree);
  std::filesystem::remove_all(tree.root() / "sys/bus/pci/devices/0000:02:00.0/msi_irqs");
  tree.file("/sys/bus/pci/devices/0000:02:00.0/irq", "40\n");
  static_cast<void>(apply({write}, tree.sysfs(), tree.session(), test::quick_options()));
  CHECK(tree.mask(40) == "1\n");
  tree.file("/sys/bus/pci/devices/0000:02:00.0/irq", "41\n");
  CHECK(rolled_back(tree, tree.session()).outcomes.at(0).state == WriteState::vanished);
  CHECK(tree.mask(40) == "1\n");
}

TEST_CASE("standing: what was never tried is owed by nobody", "[apply]") {
  const test::VfioTree tree(3);
  auto writes = tree.writes();
  static_cast<void>(apply({writes[2]}, tree.sysfs(), tree.session(), test::quick_options()));
  const auto older = history(tree.session()).at(0).id;
  writes[2].after = CpuSet{5};
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  unsigned calls = 0;
  options.write = [&](auto path, auto text, const auto& holds) {
    return calls++ > 0 ? test::errno_code(EPERM) : sysfs.write(path, text, holds);
  };
  const auto report = apply(writes, sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::partial);  // Neither the second, nor putting back the first.
  const auto standing = standing_writes(tree.session());
  REQUIRE(standing.size() == 2);
  CHECK(standing[0].identity->irq == IrqNumber{30});
  CHECK(standing[1].after == CpuSet{2});
  CHECK(rolled_back(tree, tree.session(), {older, false, false}).state == ApplyState::rolled_back);
  CHECK(tree.mask(32) == "0-7\n");
}

TEST_CASE("standing: nothing of a vector that was gone when it was put back", "[apply]") {
  test::VfioTree tree(2);
  static_cast<void>(apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options()));
  tree.remove_irq(30);
  tree.set_mask(31, "6");
  CHECK(rolled_back(tree, tree.session()).state == ApplyState::partial);
  tree.add_vector(30, 0);
  const auto standing = standing_writes(tree.session());
  REQUIRE(standing.size() == 1);
  CHECK(standing[0].identity->irq == IrqNumber{31});
}

TEST_CASE("rollback: a damaged journal is done with once it was put back by force", "[apply]") {
  test::VfioTree tree(1);
  const auto id = apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options()).id;
  tree.set_journal(id, tree.journal(id) + "???\n");
  CHECK(rolled_back(tree, tree.session()).state == ApplyState::partial);
  CHECK(tree.mask(30) == "0\n");
  const auto forced = rolled_back(tree, tree.session(), {id, false, false}, true);
  CHECK(forced.state == ApplyState::partial);  // It cannot tell all that was meant.
  CHECK(tree.mask(30) == "0-7\n");
  CHECK(roll_back({}, tree.sysfs(), tree.session(), test::quick_options()).empty());
  CHECK(rolled_back(tree, tree.session(), {id, false, false}).state == ApplyState::nothing_to_do);
  CHECK(prune_journals(tree.session(), 0) == 1);
}

TEST_CASE("rollback: a damaged journal of another boot stops nothing", "[apply]") {
  test::VfioTree tree(1);
  auto session = tree.session();
  session.boot_id = "11111111-1111-1111-1111-111111111111";
  const auto id = apply(tree.writes(), tree.sysfs(), session, test::quick_options()).id;
  tree.set_journal(id, tree.journal(id) + "???\n");
  session.boot_id = "22222222-2222-2222-2222-222222222222";
  const auto report = rolled_back(tree, session);
  CHECK(report.state == ApplyState::nothing_to_do);
  CHECK(report.warnings.size() == 1);
  CHECK(prune_journals(session, 0) == 1);
}

TEST_CASE("journal: a directory that cannot be listed is not an empty one", "[apply]") {
  const test::VfioTree tree(1);
  std::vector<std::string> names;
  CHECK_FALSE(names_of(Fd(-1), names));
  const Fd file(::open((tree.root() / "proc/irq/30/smp_affinity_list").c_str(), O_RDONLY));
  CHECK(names_of(file, names) == std::errc::not_a_directory);
}

}  // namespace irqtune
