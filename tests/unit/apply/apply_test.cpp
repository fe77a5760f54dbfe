// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "irqtune/core/error.h"

#include "support/catch.h"
#include "support/hosts/vfio_tree.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>

namespace irqtune {

namespace {

constexpr unsigned kVectors = 4;
constexpr unsigned kIrq = test::VfioTree::kFirstIrq;

}  // namespace

TEST_CASE("apply: writes every mask, and a second run finds nothing to do", "[apply]") {
  const test::VfioTree tree(kVectors);
  const auto sysfs = tree.sysfs();
  const auto first = apply(tree.writes(true), sysfs, tree.session(), test::quick_options());
  CHECK(first.state == ApplyState::committed);
  CHECK(tree.masks() == "3\n0\n1\n2\n3\n");
  for (const auto& outcome : first.outcomes) {
    CHECK(outcome.state == WriteState::ok);
  }
  CHECK(standing_writes(tree.session()).size() == kVectors + 1);

  const auto second = apply(tree.writes(true), sysfs, tree.session(), test::quick_options());
  CHECK(second.state == ApplyState::nothing_to_do);
  CHECK(second.id.empty());
  CHECK(history(tree.session()).size() == 1);

  const auto undone = roll_back({}, sysfs, tree.session(), test::quick_options());
  REQUIRE(undone.size() == 1);
  CHECK(undone[0].rollback);
  CHECK(undone[0].state == ApplyState::rolled_back);
  CHECK(tree.masks() == "ff\n0-7\n0-7\n0-7\n0-7\n");
  CHECK(roll_back({}, sysfs, tree.session(), test::quick_options()).empty());
  CHECK(standing_writes(tree.session()).empty());
}

TEST_CASE("apply: interrupted between any two writes, it undoes", "[apply]") {
  const auto k = GENERATE(range(0, 7));  // Before all of it, before each write, twice at the end.
  const bool keep_going = GENERATE(false, true);
  const test::VfioTree tree(kVectors);
  const auto before = tree.masks();
  auto options = test::quick_options();
  options.keep_going = keep_going;
  options.interrupted = [k, asked = 0]() mutable { return asked++ == k; };
  const auto report = apply(tree.writes(), tree.sysfs(), tree.session(), options);
  CHECK(report.state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
  CHECK(std::ranges::none_of(report.outcomes, is_success, &Outcome::state));
}

TEST_CASE("apply: a number that belongs to another device by now is never written", "[apply]") {
  test::VfioTree tree(2);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  const bool at_once = GENERATE(true, false);
  const auto reuse = [&] {
    tree.remove_irq(kIrq + 1);
    tree.add_vector(kIrq + 1, 1, "0000:5e:00.0", "0-3");
    return std::error_code{};
  };
  if (at_once) {
    reuse();
  } else {
    options.write = test::at_write(sysfs, 1, reuse);
  }
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::rolled_back);
  CHECK(test::outcome_of(report, kIrq + 1).state == WriteState::vanished);
  CHECK(tree.masks() == "ff\n0-7\n0-3\n");
}

TEST_CASE("apply: a renumbered vector is found by its key, and rolled back there", "[apply]") {
  test::VfioTree tree(2);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  const bool at_once = GENERATE(true, false);
  const auto renumber = [&] {
    tree.remove_irq(kIrq + 1);
    tree.add_vector(kIrq + 1, 0, "0000:5e:00.0", "0-3");
    tree.add_vector(77, 1, "0000:3b:00.0", "0-5");
    return std::error_code{};
  };
  if (at_once) {
    renumber();
  } else {
    options.write = test::at_write(sysfs, 1, renumber);
  }
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::committed);
  CHECK(test::outcome_of(report, kIrq + 1).state == WriteState::renumbered);
  CHECK(test::outcome_of(report, kIrq + 1).irq == IrqNumber{77});
  CHECK(tree.masks() == "ff\n0\n0-3\n");
  CHECK(tree.mask(77) == "1\n");
  CHECK(roll_back({}, sysfs, tree.session(), test::quick_options()).at(0).state ==
        ApplyState::rolled_back);
  CHECK(tree.mask(77) == "0-5\n");
  CHECK(tree.masks() == "ff\n0-7\n0-3\n");
}

TEST_CASE("apply: what stood there is read right before the write", "[apply]") {
  test::VfioTree tree(2);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.write = test::at_write(sysfs, 1, [&] {
    tree.set_mask(kIrq + 1, "2-3");  // Someone else, between the journal and the write.
    return std::error_code{};
  });
  CHECK(apply(tree.writes(), sysfs, tree.session(), options).state == ApplyState::committed);
  CHECK(tree.masks() == "ff\n0\n1\n");
  static_cast<void>(roll_back({}, sysfs, tree.session(), test::quick_options()));
  CHECK(tree.masks() == "ff\n0-7\n2-3\n");
}

TEST_CASE("apply: vfio exchanging its handler is waited for", "[apply]") {
  test::VfioTree tree(1);
  tree.file("/sys/kernel/irq/30/actions", "\n");
  SECTION("the hardware number still tells") {
    const auto report = apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options());
    CHECK(report.state == ApplyState::committed);
  }
  SECTION("on kernel 6.1 it holds the device too") {
    tree.file("/sys/kernel/irq/30/chip_name", "IR-PCI-MSI\n");
    tree.file("/sys/kernel/irq/30/hwirq", "30932992\n");  // 0x3b00 << 11
    const auto report = apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options());
    CHECK(report.state == ApplyState::committed);
  }
  SECTION("another entry of the table is another vector") {
    tree.file("/sys/kernel/irq/30/hwirq", "1\n");
    const auto report = apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options());
    CHECK(report.outcomes.at(0).state == WriteState::vanished);
  }
}

TEST_CASE("apply: the effective CPU decides what is said of a write", "[apply]") {
  test::VfioTree tree(1);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.follows = true;
  auto writes = tree.writes();
  const std::string effective = "/proc/irq/30/effective_affinity_list";
  SECTION("at once") {
    tree.file(effective, "0\n");
    CHECK(apply(writes, sysfs, tree.session(), options).outcomes.at(0).state == WriteState::ok);
  }
  SECTION("after a while") {
    options.clock.sleep = [&, left = 3](auto) mutable {
      tree.file(effective, --left == 0 ? "0\n" : "7\n");
    };
    CHECK(apply(writes, sysfs, tree.session(), options).outcomes.at(0).state == WriteState::ok);
  }
  SECTION("elsewhere although the chip moves at once: undone") {
    tree.file(effective, "7\n");
    tree.file("/proc/irq/30/smp_affinity_list", "1-3\n");
    const auto report = apply(writes, sysfs, tree.session(), options);
    CHECK(report.state == ApplyState::rolled_back);
    CHECK(report.outcomes.at(0).state == WriteState::fallback);
    CHECK(report.outcomes.at(0).effective == CpuSet{7});
    CHECK(tree.mask(kIrq) == "1-3\n");
  }
  SECTION("where it was: its last move is not cleaned up, and this one is pending") {
    const auto report = apply(writes, sysfs, tree.session(), options);
    CHECK(report.state == ApplyState::committed);
    CHECK(report.outcomes.at(0).state == WriteState::pending);
  }
  SECTION("another program sets it while it moves") {
    options.clock.sleep = [&](auto) { tree.file("/proc/irq/30/smp_affinity_list", "5\n"); };
    const auto report = apply(writes, sysfs, tree.session(), options);
    CHECK(report.outcomes.at(0).state == WriteState::failed);
    CHECK(report.outcomes.at(0).error ==
          "not put back: changed since: it is 5 now, and 0 was written");
    CHECK(tree.mask(kIrq) == "5\n");
  }
  SECTION("without interrupt remapping it is pending, and that is fine") {
    // dmar0 is the IOMMU's own: it has no interrupt until a device misbehaves.
    const std::string chip = GENERATE("PCI-MSIX-0000:3b:00.0", "IO-APIC", "DMAR-MSI", "IOMMU-MSI");
    tree.file("/sys/kernel/irq/30/chip_name", chip + "\n");
    const auto report = apply(writes, sysfs, tree.session(), options);
    CHECK(report.state == ApplyState::committed);
    CHECK(report.outcomes.at(0).state == WriteState::pending);
    CHECK(apply(writes, sysfs, tree.session(), options).state == ApplyState::nothing_to_do);
  }
  SECTION("posted: without effect for now") {
    writes.at(0).identity->posted = true;
    const auto report = apply(writes, sysfs, tree.session(), options);
    CHECK(report.state == ApplyState::committed);
    CHECK(report.outcomes.at(0).state == WriteState::posted);
  }
}

TEST_CASE("apply: a signal ends the wait for the kernel, and undoes", "[apply]") {
  const test::VfioTree tree(2);
  const auto before = tree.masks();
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.follows = true;  // The effective CPU never does.
  options.verify_timeout = std::chrono::hours(1);
  options.keep_going = GENERATE(false, true);
  int pauses = 0;
  options.clock.sleep = [&](auto) { ++pauses; };
  options.interrupted = [&] { return pauses > 1; };
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
  CHECK(pauses == 2);
}

TEST_CASE("apply: EIO once may be of an interrupt made anew under its old number", "[apply]") {
  const test::VfioTree tree(2);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.write = test::at_write(sysfs, 1, [] { return test::errno_code(EIO); });
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::committed);
  CHECK(tree.masks() == "ff\n0\n1\n");
}

TEST_CASE("apply: what was refused and is someone else's by now is not ours to undo", "[apply]") {
  test::VfioTree tree(2);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.follows = true;
  options.write = test::at_write(sysfs, 1, [&] {
    tree.set_mask(kIrq + 1, "5");
    return test::errno_code(ENOSPC);
  });
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::rolled_back);
  CHECK(report.outcomes.at(1).state == WriteState::refused);
  CHECK(tree.masks() == "ff\n0-7\n5\n");
  CHECK(history(tree.session()).at(0).state == JournalState::rolled_back);
}

TEST_CASE("apply: a mask that stands, is asked for anew and refused is not put back", "[apply]") {
  test::VfioTree tree(1);
  tree.set_mask(kIrq, "0");
  tree.file("/proc/irq/30/effective_affinity_list", "7\n");  // The kernel had no vector free on it.
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.follows = true;
  options.write = [](auto&&...) { return test::errno_code(ENOSPC); };
  auto writes = tree.writes();
  writes.at(0).before = "0";
  const auto report = apply(writes, sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::rolled_back);
  CHECK(report.outcomes.at(0).state == WriteState::refused);
  CHECK(history(tree.session()).at(0).state == JournalState::rolled_back);
}

TEST_CASE("apply: a mask that another program sets at once is a failure", "[apply]") {
  test::VfioTree tree(2);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.write = test::at_write(sysfs, 1, [&] {
    tree.set_mask(kIrq, "5");
    return std::error_code{};
  });
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::partial);  // CPU 5 is not ours to take back.
  CHECK(tree.masks() == "ff\n5\n0-7\n");
  CHECK(report.outcomes.at(0).error.find("changed since") != std::string::npos);
}

TEST_CASE("apply: undoing that is refused leaves a journal to go on with", "[apply]") {
  const test::VfioTree tree(3);
  const auto before = tree.masks();
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  const bool thrown = GENERATE(false, true);
  unsigned calls = 0;
  options.write = [&](auto path, auto text, const auto& holds) {
    if (thrown && calls == 2) {
      ++calls;
      throw std::runtime_error("as if memory ran out");
    }
    return calls++ >= 2 ? test::errno_code(EPERM) : sysfs.write(path, text, holds);
  };
  if (thrown) {
    CHECK_THROWS_AS(apply(tree.writes(), sysfs, tree.session(), options), Error);
  } else {
    const auto report = apply(tree.writes(), sysfs, tree.session(), options);
    CHECK(report.state == ApplyState::partial);
    CHECK(report.outcomes.at(0).error.starts_with("not put back"));
  }
  CHECK(tree.masks() != before);
  CHECK(history(tree.session()).at(0).state == JournalState::partial);
  static_cast<void>(roll_back({}, sysfs, tree.session(), test::quick_options()));
  CHECK(tree.masks() == before);
}

TEST_CASE("apply: a dry run writes nothing at all", "[apply]") {
  const test::VfioTree tree(2);
  const auto before = tree.masks();
  const auto report = dry_run(tree.writes(true), tree.sysfs());
  CHECK(report.state == ApplyState::dry_run);
  const bool all = std::ranges::all_of(report.outcomes, [](const Outcome& outcome) {
    return outcome.state == WriteState::would_change;
  });
  CHECK(all);
  CHECK(tree.masks() == before);
  CHECK_FALSE(tree.sysfs().exists("/var"));
}

TEST_CASE("apply: a journal that cannot be made costs nothing", "[apply]") {
  test::VfioTree tree(2);
  const auto before = tree.masks();
  tree.file("/var/lib/irqtune/journal", "not a directory\n");
  CHECK_THROWS_AS(apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options()), Error);
  CHECK(tree.masks() == before);
}

TEST_CASE("apply: host interrupts are known by their handlers", "[apply]") {
  test::VfioTree tree(0);
  tree.add_vector(40, 0, "0000:02:00.0");
  tree.file("/sys/kernel/irq/40/actions", "PCIe PME,aerdrv,pciehp\n");
  Write write;
  write.identity = Identity{IrqNumber{40},
                            std::nullopt,
                            PciAddress::parse("0000:02:00.0"),
                            {"PCIe PME", "aerdrv", "pciehp"},
                            false};
  write.after = CpuSet{1};
  CHECK(apply({write}, tree.sysfs(), tree.session(), test::quick_options()).state ==
        ApplyState::committed);
  write.identity->actions = {"eth0"};
  write.after = CpuSet{2};
  CHECK(apply({write}, tree.sysfs(), tree.session(), test::quick_options()).outcomes.at(0).state ==
        WriteState::vanished);
  CHECK(tree.mask(40) == "1\n");
}

}  // namespace irqtune
