// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/core/error.h"

#include "support/catch.h"
#include "support/hosts/vfio_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace irqtune {

namespace {

constexpr unsigned kVectors = 4;
constexpr unsigned kIrq = test::VfioTree::kFirstIrq;

}  // namespace

TEST_CASE("apply: a refusal at any write undoes those before it", "[apply]") {
  const auto k = GENERATE(range(0U, kVectors + 1));
  const auto number = GENERATE(EIO,
                               EPERM,
                               ENOSPC,
                               EINVAL,
                               ERANGE,
                               EOVERFLOW,
                               EACCES,
                               EROFS,
                               EBUSY,
                               EAGAIN,
                               ENXIO,
                               ENOMEM,
                               ENODEV,
                               ENOENT,
                               ESTALE,
                               EFBIG,
                               EINTR);
  CAPTURE(k, number);
  const test::VfioTree tree(kVectors);
  const auto before = tree.masks();
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  unsigned calls = 0;  // Refuses the k-th file each time, however often it is tried.
  std::string refused_path;
  options.write = [&](auto path, auto text, const auto& holds) {
    const bool first = refused_path.empty() && calls++ == k;
    refused_path = first ? path : refused_path;
    return path == refused_path && text.find('7') == std::string_view::npos
               ? test::errno_code(number)
               : sysfs.write(path, text, holds);
  };
  const auto report = apply(tree.writes(true), sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
  REQUIRE(report.outcomes.size() == kVectors + 1);
  const auto& refused = report.outcomes[k];
  CHECK_FALSE(is_success(refused.state));
  CHECK(refused.error.find(test::errno_code(number).message()) != std::string::npos);
  CHECK(std::ranges::none_of(report.outcomes, is_success, &Outcome::state));
  const auto entries = history(tree.session());
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].state == JournalState::rolled_back);
  CHECK(entries[0].done == k);
  CHECK(roll_back({}, sysfs, tree.session(), options).empty());
}

TEST_CASE("apply: a vLPI that the ITS hands to its guest is left, and no failure", "[apply]") {
  test::VfioTree tree(kVectors);
  tree.file("/sys/devices/system/cpu/online", "0-7\n");
  for (unsigned i = 0; i < kVectors; ++i) {
    tree.file(fmt::format("/sys/kernel/irq/{}/chip_name", kIrq + i), "ITS-MSI\n");
  }
  const auto forwarded = GENERATE(1U, kVectors);
  const auto before = tree.mask(kIrq);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.write = [&, calls = 0U](auto path, auto text, const auto& holds) mutable {
    return calls++ < forwarded ? test::errno_code(EINVAL) : sysfs.write(path, text, holds);
  };
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.outcomes.at(0).state == WriteState::posted);
  CHECK(tree.mask(kIrq) == before);
  CHECK(report.state ==
        (forwarded == kVectors ? ApplyState::nothing_to_do : ApplyState::committed));
  CHECK(standing_writes(tree.session()).size() == kVectors - forwarded);
  CHECK(history(tree.session()).size() == (forwarded == kVectors ? 0 : 1));
}

TEST_CASE("apply: each refusal says what it is and what to do", "[apply]") {
  struct Row {
    int number;
    WriteState state;
    const char* error;
    const char* hint;
  };

  const auto row = GENERATE(
      Row{EIO, WriteState::refused, "manages this interrupt's CPUs itself", "leave it out"},
      Row{EPERM, WriteState::refused, "manages this interrupt's CPUs itself", "leave it out"},
      Row{ENOSPC, WriteState::refused, "no interrupt vector is free", "spread over more CPUs"},
      Row{EINVAL, WriteState::refused, "does not accept the mask", "make a new plan"},
      Row{ERANGE, WriteState::refused, "a CPU that the kernel lacks", "make a new plan"},
      Row{EOVERFLOW, WriteState::refused, "wider than the kernel's", "make a new plan"},
      Row{ENXIO, WriteState::refused, "cannot deliver there", "make a new plan"},
      Row{EACCES, WriteState::refused, "not allowed", "run it as root"},
      Row{EROFS, WriteState::refused, "read-only here", "not in a container"},
      Row{EBUSY, WriteState::refused, "also when tried again", "try again later"},
      Row{EAGAIN, WriteState::refused, "also when tried again", "try again later"},
      Row{ENOMEM, WriteState::failed, "out of memory", "try again later"},
      Row{ENOENT, WriteState::failed, "No such file", "make a new plan"},
      Row{EFBIG, WriteState::failed, "too large", "make a new plan"});
  CAPTURE(row.number);
  const test::VfioTree tree(1);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.write = [&](auto, auto, const auto&) { return test::errno_code(row.number); };
  const auto outcome = apply(tree.writes(), sysfs, tree.session(), options).outcomes.at(0);
  CAPTURE(outcome.error, outcome.hint);
  CHECK(outcome.state == row.state);
  CHECK(outcome.error.find(row.error) != std::string::npos);
  CHECK(outcome.error.find(test::errno_code(row.number).message()) != std::string::npos);
  CHECK(outcome.hint.find(row.hint) != std::string::npos);
}

TEST_CASE("apply: a vector that goes while it is written is vanished, not refused", "[apply]") {
  const auto number = GENERATE(EIO, ENOENT, ENODEV, ESTALE);
  const auto k = GENERATE(range(0U, kVectors));
  CAPTURE(number, k);
  test::VfioTree tree(kVectors);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  const auto path = fmt::format("/proc/irq/{}/smp_affinity_list", 30 + k);
  options.write = [&](auto file, auto text, const auto& holds) {
    if (file != path) {
      return sysfs.write(file, text, holds);
    }
    tree.remove_irq(30 + k);
    return test::errno_code(number);
  };
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::rolled_back);
  CHECK(report.outcomes.at(k).state == WriteState::vanished);
  CHECK(report.outcomes.at(k).hint.find("--wait-stable") != std::string::npos);
}

TEST_CASE("apply: --keep-going leaves what was written and names the rest", "[apply]") {
  const auto k = GENERATE(range(0U, kVectors));
  const test::VfioTree tree(kVectors);
  const auto before = tree.masks();
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.keep_going = true;
  options.write = test::at_write(sysfs, k, [] { return test::errno_code(EPERM); });
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::partial);
  for (unsigned i = 0; i < kVectors; ++i) {
    CHECK((test::outcome_of(report, kIrq + i).state == WriteState::refused) == (i == k));
    CHECK((tree.mask(kIrq + i) == "0-7\n") == (i == k));
  }
  CHECK(history(tree.session()).at(0).state == JournalState::partial);
  options.write = {};
  CHECK(roll_back({}, sysfs, tree.session(), options).at(0).state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
}

TEST_CASE("apply: what stands is of the last run that wrote it, partial ones too", "[apply]") {
  const test::VfioTree tree(2);
  const auto sysfs = tree.sysfs();
  auto writes = tree.writes();
  REQUIRE(apply(writes, sysfs, tree.session(), test::quick_options()).state ==
          ApplyState::committed);
  for (auto& write : writes) {
    write.after = CpuSet{6};
  }
  auto options = test::quick_options();
  options.keep_going = true;
  options.write = test::at_write(sysfs, 1, [] { return test::errno_code(EPERM); });
  REQUIRE(apply(writes, sysfs, tree.session(), options).state == ApplyState::partial);
  const auto standing = standing_writes(tree.session());
  REQUIRE(standing.size() == 2);
  CHECK(standing[0].identity->irq == IrqNumber{kIrq});
  CHECK(standing[0].after == CpuSet{6});
  CHECK(standing[1].after == CpuSet{1});
}

TEST_CASE("apply: a run that the kernel refused whole leaves no journal in the way", "[apply]") {
  const auto follows = GENERATE(false, true);
  const test::VfioTree tree(1);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.keep_going = true;
  options.follows = follows;
  options.write = test::at_write(sysfs, 0, [] { return test::errno_code(EPERM); });
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.state == ApplyState::partial);
  CHECK(report.id.empty() == follows);  // In a tree, half of a refused write may stand.
  CHECK(history(tree.session()).empty() == follows);
}

TEST_CASE("apply: an exception at any write undoes, and goes on", "[apply]") {
  const auto k = GENERATE(range(0U, kVectors + 1));
  const bool written = GENERATE(false, true);
  CAPTURE(k, written);
  const test::VfioTree tree(kVectors);
  const auto before = tree.masks();
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  unsigned calls = 0;
  options.write = [&](auto path, auto text, const auto& holds) {
    const bool now = calls++ == k;
    const auto error = now && !written ? std::error_code{} : sysfs.write(path, text, holds);
    if (now) {
      throw std::runtime_error("as if memory ran out");
    }
    return error;
  };
  CHECK_THROWS_AS(apply(tree.writes(true), sysfs, tree.session(), options), std::runtime_error);
  CHECK(tree.masks() == before);
  CHECK(history(tree.session()).at(0).state == JournalState::rolled_back);
}

TEST_CASE("apply: a busy interrupt is tried again, five times in all", "[apply]") {
  const auto number = GENERATE(EBUSY, EAGAIN);
  const auto refusals = GENERATE(1, 4, 5);
  const test::VfioTree tree(1);
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.write = [&, left = refusals](auto path, auto text, const auto& holds) mutable {
    return left-- > 0 ? test::errno_code(number) : sysfs.write(path, text, holds);
  };
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  CHECK(report.state == (refusals < 5 ? ApplyState::committed : ApplyState::rolled_back));
}

}  // namespace irqtune
