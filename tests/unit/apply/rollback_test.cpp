// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"

#include "support/catch.h"
#include "support/hosts/vfio_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include <sys/resource.h>

namespace irqtune {

namespace {

constexpr unsigned kIrq = test::VfioTree::kFirstIrq;

ApplyReport applied(const test::VfioTree& tree) {
  auto report = apply(tree.writes(true), tree.sysfs(), tree.session(), test::quick_options());
  REQUIRE(report.state == ApplyState::committed);
  return report;
}

std::vector<ApplyReport> rolled_back(const test::VfioTree& tree,
                                     const RollbackSelection& selection = {},
                                     bool force = false) {
  auto options = test::quick_options();
  options.force = force;
  return roll_back(selection, tree.sysfs(), tree.session(), options);
}

/// Applies the tree's first write to each of the CPUs in turn; the journals' ids.
std::vector<std::string> apply_each(const test::VfioTree& tree, std::initializer_list<int> cpus) {
  std::vector<std::string> ids;
  auto writes = tree.writes();
  for (const int cpu : cpus) {
    writes.at(0).after = CpuSet{cpu};
    ids.push_back(apply(writes, tree.sysfs(), tree.session(), test::quick_options()).id);
  }
  return ids;
}

/// While it lives, files above so many bytes cannot be written: stands for a full disk.
class FileLimit {
 public:
  explicit FileLimit(std::size_t bytes) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_) == 0);
    const rlimit limit{bytes, old_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }

  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  FileLimit(FileLimit&&) = delete;
  FileLimit& operator=(FileLimit&&) = delete;

  ~FileLimit() { ::setrlimit(RLIMIT_FSIZE, &old_); }

 private:
  const SignalGuard signals_;  // Else SIGXFSZ would end the tests.
  rlimit old_{};
};

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

/// The journal as it would be had the process been killed before its last line.
std::string cut_last_line(std::string text) {
  text.pop_back();
  text.resize(text.rfind('\n') + 1);
  return text;
}

}  // namespace

TEST_CASE("rollback: a mask that someone changed since is left, and said", "[apply]") {
  test::VfioTree tree(3);
  const auto before = tree.masks();
  static_cast<void>(applied(tree));
  tree.set_mask(kIrq + 1, "4-5");
  auto reports = rolled_back(tree);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].state == ApplyState::partial);
  CHECK(tree.masks() == "ff\n0-7\n4-5\n0-7\n");
  CHECK(std::ranges::count(reports[0].outcomes, WriteState::failed, &Outcome::state) == 1);
  CHECK(history(tree.session()).at(0).state == JournalState::partial);
  CHECK(rolled_back(tree).at(0).state == ApplyState::partial);
  reports = rolled_back(tree, {}, true);
  CHECK(reports.at(0).state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
}

TEST_CASE("rollback: a mask that is as before already needs nothing", "[apply]") {
  test::VfioTree tree(2);
  static_cast<void>(applied(tree));
  tree.set_mask(kIrq, "0-7");
  const auto reports = rolled_back(tree);
  CHECK(reports.at(0).state == ApplyState::rolled_back);
  CHECK(reports.at(0).outcomes.at(1).state == WriteState::unchanged);  // Newest first.
}

TEST_CASE("rollback: a vector that is gone is not looked for under its old number", "[apply]") {
  test::VfioTree tree(2);
  static_cast<void>(applied(tree));
  tree.remove_irq(kIrq);
  tree.add_vector(kIrq, 0, "0000:5e:00.0", "0");  // The same mask as was written.
  const auto reports = rolled_back(tree);
  CHECK(tree.mask(kIrq) == "0\n");
  CHECK(reports.at(0).outcomes.at(1).state == WriteState::vanished);
  CHECK(reports.at(0).state == ApplyState::rolled_back);
}

TEST_CASE("rollback: a dry run says what it would do", "[apply]") {
  const test::VfioTree tree(2);
  static_cast<void>(applied(tree));
  const auto before = tree.masks();
  const auto journal = tree.journal();
  const auto reports = rolled_back(tree, {{}, false, true});
  CHECK(reports.at(0).state == ApplyState::dry_run);
  CHECK(reports.at(0).outcomes.at(0).state == WriteState::would_change);
  CHECK(tree.masks() == before);
  CHECK(tree.journal() == journal);
}

TEST_CASE("rollback: an apply killed at any line of its journal is undone", "[apply]") {
  test::VfioTree tree(3);
  const auto before = tree.masks();
  const auto id = applied(tree).id;
  auto text = tree.journal();
  const auto cut = GENERATE(range(1, 9));
  for (int i = 0; i < cut; ++i) {
    text = cut_last_line(text);
  }
  tree.set_journal(id, text);
  CHECK(history(tree.session()).at(0).state == JournalState::open);
  CHECK(history(tree.session()).at(0).finished.empty());
  CHECK(rolled_back(tree).at(0).state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
  CHECK(history(tree.session()).at(0).state == JournalState::rolled_back);
}

TEST_CASE("rollback: a torn last line is forgiven, and what follows is whole", "[apply]") {
  test::VfioTree tree(2);
  const auto before = tree.masks();
  const auto id = applied(tree).id;
  const auto tail = GENERATE(as<std::string>{}, "{\"event\":\"sta", "{", std::string(40, '\0'));
  tree.set_journal(id, cut_last_line(tree.journal()) + tail);
  CHECK(history(tree.session()).at(0).problem.empty());
  CHECK(rolled_back(tree).at(0).state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
  CHECK(history(tree.session()).at(0).problem.empty());
}

TEST_CASE("rollback: killed itself, it is simply run again", "[apply]") {
  test::VfioTree tree(3);
  const auto before = tree.masks();
  const auto id = applied(tree).id;
  static_cast<void>(rolled_back(tree));
  tree.set_journal(id, cut_last_line(tree.journal()));
  tree.set_mask(kIrq, "0");  // As if it had come no further.
  CHECK(history(tree.session()).at(0).state == JournalState::open);
  CHECK(rolled_back(tree).at(0).state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
}

TEST_CASE("rollback: interrupted, it leaves the journal open and says so", "[apply]") {
  const test::VfioTree tree(3);
  const auto before = tree.masks();
  static_cast<void>(applied(tree));
  auto options = test::quick_options();
  options.interrupted = [asked = 0]() mutable { return asked++ == 2; };
  const auto report = roll_back({}, tree.sysfs(), tree.session(), options).at(0);
  CHECK(report.state == ApplyState::partial);
  CHECK(report.outcomes.size() == 2);
  CHECK(report.problem == "interrupted: 2 of 4 masks are left");
  CHECK(report.hint.find("irqtune rollback " + report.id) != std::string::npos);
  CHECK(history(tree.session()).at(0).state == JournalState::open);
  CHECK(history(tree.session()).at(0).undone == 2);
  CHECK(rolled_back(tree).at(0).state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
}

TEST_CASE("rollback: the newest first; --all takes every one", "[apply]") {
  test::VfioTree tree(1);
  auto writes = tree.writes();
  for (const int cpu : {1, 2, 3}) {
    writes.at(0).after = CpuSet{cpu};
    static_cast<void>(apply(writes, tree.sysfs(), tree.session(), test::quick_options()));
  }
  CHECK(rolled_back(tree).size() == 1);
  CHECK(tree.mask(kIrq) == "2\n");
  CHECK(rolled_back(tree, {{}, true, false}).size() == 2);
  CHECK(tree.mask(kIrq) == "0-7\n");
}

TEST_CASE("rollback: two interrupted applies are undone newest first", "[apply]") {
  test::VfioTree tree(1);
  auto writes = tree.writes();
  for (const int cpu : {1, 2}) {
    writes.at(0).after = CpuSet{cpu};
    const auto report = apply(writes, tree.sysfs(), tree.session(), test::quick_options());
    CHECK(report.warnings.size() == (cpu == 1 ? 0 : 1));  // The second names the first.
    tree.set_journal(report.id, cut_last_line(tree.journal(report.id)));
  }
  CHECK(rolled_back(tree, {{}, true, false}).size() == 2);
  CHECK(tree.mask(kIrq) == "0-7\n");
}

TEST_CASE("rollback: interrupted between two journals, it tells of the second", "[apply]") {
  const test::VfioTree tree(1);
  const auto ids = apply_each(tree, {1, 2});
  auto options = test::quick_options();
  options.interrupted = [asked = 0]() mutable { return asked++ > 0; };
  const auto reports = roll_back({{}, true, false}, tree.sysfs(), tree.session(), options);
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].state == ApplyState::rolled_back);
  CHECK(reports[1].id == ids[0]);
  CHECK(reports[1].state == ApplyState::partial);
  CHECK(reports[1].problem.starts_with("interrupted"));
  CHECK(history(tree.session()).at(1).state == JournalState::committed);
}

TEST_CASE("rollback: an older apply below a newer one is left, and the newer one named",
          "[apply]") {
  const test::VfioTree tree(2);
  const auto ids = apply_each(tree, {1, 2});
  const bool dry_run = GENERATE(true, false);
  const auto report = rolled_back(tree, {ids[0], false, dry_run}).at(0);
  CHECK(report.state == (dry_run ? ApplyState::dry_run : ApplyState::partial));
  const auto& outcome = test::outcome_of(report, kIrq);
  CHECK(outcome.state == WriteState::failed);
  CHECK(outcome.error == fmt::format("set again by {}, which is not rolled back", ids[1]));
  CHECK(outcome.hint.find("irqtune rollback " + ids[1]) != std::string::npos);
  CHECK(tree.mask(kIrq) == "2\n");
}

TEST_CASE("rollback: in any order of the applies what stood before the first comes back",
          "[apply]") {
  // The second sets again what stood before the first: nothing looks changed since the first.
  const test::VfioTree tree(1);
  auto writes = tree.writes();
  std::vector<std::string> ids;
  for (const auto& cpus : {CpuSet{1}, CpuSet::parse_list("0-7").value(), CpuSet{1}}) {
    writes.at(0).after = cpus;
    ids.push_back(apply(writes, tree.sysfs(), tree.session(), test::quick_options()).id);
  }
  const auto order = GENERATE(std::vector{0U, 1U, 2U},
                              std::vector{0U, 2U, 1U},
                              std::vector{1U, 0U, 2U},
                              std::vector{1U, 2U, 0U},
                              std::vector{2U, 0U, 1U});
  for (const auto i : order) {
    static_cast<void>(rolled_back(tree, {ids.at(i), false, false}));
  }
  static_cast<void>(rolled_back(tree, {{}, true, false}));
  CHECK(tree.mask(kIrq) == "0-7\n");
  for (const auto& entry : history(tree.session())) {
    CHECK(entry.state == JournalState::rolled_back);
  }
}

TEST_CASE("rollback: what a newer apply was refused, or put back, is not in the way", "[apply]") {
  const test::VfioTree tree(2);
  const auto sysfs = tree.sysfs();
  auto writes = tree.writes();
  const auto first = apply(writes, sysfs, tree.session(), test::quick_options()).id;
  std::swap(writes.at(0).after, writes.at(1).after);
  auto options = test::quick_options();
  options.keep_going = true;
  options.write = test::at_write(sysfs, 0, [] { return test::errno_code(EPERM); });
  REQUIRE(apply(writes, sysfs, tree.session(), options).state == ApplyState::partial);
  const auto report = rolled_back(tree, {first, false, false}).at(0);
  CHECK(test::outcome_of(report, kIrq).state == WriteState::ok);
  CHECK(test::outcome_of(report, kIrq + 1).state == WriteState::failed);
  CHECK(tree.masks() == "ff\n0-7\n0\n");
}

TEST_CASE("rollback: done once, it is not done again", "[apply]") {
  test::VfioTree tree(1);
  const auto before = tree.masks();
  const auto id = applied(tree).id;
  static_cast<void>(rolled_back(tree));
  tree.set_mask(kIrq, "0");  // By hand, as it happens what apply wrote.
  const bool force = GENERATE(false, true);
  const auto report = rolled_back(tree, {id, false, false}, force).at(0);
  CHECK(report.state == ApplyState::nothing_to_do);
  CHECK(report.id == id);
  CHECK(tree.mask(kIrq) == "0\n");
}

TEST_CASE("rollback: a journal that cannot be written does not keep the masks", "[apply]") {
  const auto quarters = GENERATE(range(std::size_t{0}, std::size_t{4}));
  const test::VfioTree tree(3);
  const auto before = tree.masks();
  const auto id = applied(tree).id;
  const auto size = tree.journal().size();
  const test::VfioTree twin(3);
  static_cast<void>(applied(twin));
  static_cast<void>(rolled_back(twin));
  {
    const FileLimit limit(size + quarters * (twin.journal().size() - size) / 4);
    const auto report = rolled_back(tree).at(0);
    CHECK(report.state == ApplyState::partial);
    CHECK(report.problem.find("cannot write the journal: File too large") != std::string::npos);
    CHECK(report.hint.find("irqtune rollback " + id) != std::string::npos);
  }
  CHECK(tree.masks() == before);
  CHECK(history(tree.session()).at(0).state != JournalState::rolled_back);
  const auto again = rolled_back(tree).at(0);
  CHECK(again.state == ApplyState::rolled_back);
  CHECK(again.problem.empty());
  CHECK(tree.masks() == before);
}

TEST_CASE("apply: a journal that ends early leaves every mask as it was, and says so", "[apply]") {
  const auto quarters = GENERATE(range(std::size_t{1}, std::size_t{4}));
  const test::VfioTree twin(3);
  static_cast<void>(applied(twin));
  const test::VfioTree tree(3);
  const auto before = tree.masks();
  std::string told;
  {
    const FileLimit limit(quarters * twin.journal().size() / 4);
    try {
      static_cast<void>(applied(tree));
    } catch (const Error& error) {
      told = error.what();
      CHECK(error.kind() == ErrorKind::applying);
    }
  }
  CHECK(told.find("cannot write the journal: File too large") != std::string::npos);
  const bool wrote = quarters == 3;  // Before, only what was meant to be is on disk.
  CHECK(wrote == told.ends_with("; every mask is as it was"));
  CHECK(tree.masks() == before);
  CHECK(rolled_back(tree).size() == (wrote ? 1U : 0U));
  CHECK(tree.masks() == before);
}

TEST_CASE("apply: a refusal is told also where the journal takes no more lines", "[apply]") {
  const test::VfioTree tree(3);
  const auto before = tree.masks();
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  std::optional<FileLimit> limit;
  options.write = [&](auto path, auto text, const auto& holds) {
    if (path.find("/31/") == std::string::npos) {
      return sysfs.write(path, text, holds);
    }
    limit.emplace(tree.journal().size());
    return test::errno_code(EPERM);
  };
  const auto report = apply(tree.writes(), sysfs, tree.session(), options);
  limit.reset();
  CHECK(report.state == ApplyState::rolled_back);
  CHECK(test::outcome_of(report, 31).state == WriteState::refused);
  REQUIRE(report.warnings.size() == 1);
  CHECK(report.warnings[0].find("cannot write the journal: File too large") != std::string::npos);
  CHECK(report.warnings[0].find("rollback " + report.id) != std::string::npos);
  CHECK(tree.masks() == before);
  CHECK(rolled_back(tree).at(0).state == ApplyState::rolled_back);
}

TEST_CASE("rollback: the old mask refused is no plan's fault", "[apply]") {
  const test::VfioTree tree(1);
  static_cast<void>(applied(tree));
  auto options = test::quick_options();
  options.write = [](auto, auto, const auto&) { return test::errno_code(EINVAL); };
  const auto report = roll_back({}, tree.sysfs(), tree.session(), options).at(0);
  CHECK(report.outcomes.at(0).hint.find("online") != std::string::npos);
  CHECK(report.outcomes.at(0).hint.find("plan") == std::string::npos);
}

TEST_CASE("rollback: another boot took the masks away", "[apply]") {
  const test::VfioTree tree(2);
  auto session = tree.session();
  session.boot_id = "11111111-1111-1111-1111-111111111111";
  static_cast<void>(apply(tree.writes(), tree.sysfs(), session, test::quick_options()));
  session.boot_id = "22222222-2222-2222-2222-222222222222";
  CHECK_FALSE(history(session).at(0).this_boot);
  CHECK(standing_writes(session).empty());
  const auto reports = roll_back({}, tree.sysfs(), session, test::quick_options());
  CHECK(reports.at(0).state == ApplyState::rolled_back);
  for (const auto& outcome : reports.at(0).outcomes) {
    CHECK(outcome.state == WriteState::vanished);
  }
  CHECK(tree.masks() == "ff\n0\n1\n");  // Nothing was written.
  CHECK(history(session).at(0).state == JournalState::rolled_back);
}

TEST_CASE("rollback: the journal of another root is none of its business", "[apply]") {
  const test::VfioTree tree(2);
  const auto id = applied(tree).id;
  auto session = tree.session();
  session.root = "/somewhere/else";
  CHECK_THROWS_AS(roll_back({id, false, false}, tree.sysfs(), session, test::quick_options()),
                  Error);
  const auto reports = roll_back({}, tree.sysfs(), session, test::quick_options());
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].id.empty());
  CHECK(reports[0].warnings.size() == 1);
  CHECK(tree.masks() == "3\n0\n1\n");
}

TEST_CASE(
    "rollback: a newer format is refused by name, stops a rollback without one, and --all passes "
    "it over",
    "[apply]") {
  test::VfioTree tree(2);
  const auto older = applied(tree).id;
  const auto text = tree.journal();
  const std::string newer = "20990101T000000Z-00ff";
  tree.set_journal(newer, replaced(text, "irqtune.journal/1", "irqtune.journal/2"));
  CHECK(history(tree.session()).at(0).id == newer);
  CHECK_FALSE(history(tree.session()).at(0).problem.empty());
  CHECK_THROWS_AS(rolled_back(tree, {newer, false, false}), Error);
  CHECK_THROWS_AS(rolled_back(tree, {newer, false, false}, true), Error);
  const auto stopped = rolled_back(tree);
  REQUIRE(stopped.size() == 1);  // The older one is not what was meant.
  CHECK(stopped[0].state == ApplyState::partial);
  CHECK(stopped[0].hint.find("rollback --all") != std::string::npos);
  const auto reports = rolled_back(tree, {{}, true, false});
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].id == newer);
  CHECK(reports[0].state == ApplyState::partial);  // Whether it left something cannot be told.
  CHECK(reports[0].problem.find("newer format") != std::string::npos);
  CHECK(reports[1].id == older);
  CHECK(reports[1].state == ApplyState::rolled_back);
}

TEST_CASE("rollback: a damaged line stops it unless forced", "[apply]") {
  const auto [write, masks] = GENERATE(table<int, std::string>(
      {{0, "3\n0-7\n0-7\n0-7\n"}, {1, "ff\n0\n0-7\n0-7\n"}, {3, "ff\n0-7\n0-7\n2\n"}}));
  CAPTURE(write);
  test::VfioTree tree(3);
  const auto id = applied(tree).id;
  const auto good = tree.journal();
  const auto intent = fmt::format(R"({{"event":"intent","write":{},)", write);
  tree.set_journal(id, replaced(good, intent, R"({"event":"int?nt",)"));
  CHECK_FALSE(history(tree.session()).at(0).problem.empty());
  CHECK_THROWS_AS(rolled_back(tree, {id, false, false}), Error);
  CHECK(tree.masks() == "3\n0\n1\n2\n");
  const auto reports = rolled_back(tree, {id, false, false}, true);
  CHECK(reports.at(0).state == ApplyState::partial);
  CHECK(reports.at(0).problem.find("only the other lines count") != std::string::npos);
  CHECK(reports.at(0).outcomes.size() == 3);
  CHECK(tree.masks() == masks);
}

TEST_CASE("rollback: a damaged journal is not passed over in silence, nor its masks", "[apply]") {
  test::VfioTree tree(1);
  const auto ids = apply_each(tree, {1, 2});
  tree.set_journal(ids[1], tree.journal(ids[1]) + "???\n");
  const auto reports = rolled_back(tree, {{}, true, false});
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].id == ids[1]);
  CHECK(reports[0].state == ApplyState::partial);
  CHECK(reports[0].problem.starts_with("passed over: line "));
  CHECK(reports[0].hint.find("--force") != std::string::npos);
  CHECK(reports[1].outcomes.at(0).error.starts_with("set again by " + ids[1]));
  CHECK(tree.mask(kIrq) == "2\n");
  CHECK(rolled_back(tree, {{}, true, false}, true).size() == 2);
  CHECK(tree.mask(kIrq) == "0-7\n");
}

TEST_CASE("rollback: there must be such a journal", "[apply]") {
  const test::VfioTree tree(1);
  CHECK(rolled_back(tree).empty());
  CHECK(history(tree.session()).empty());
  CHECK_FALSE(tree.sysfs().exists("/var"));
  const auto id = GENERATE(as<std::string>{}, "20260301T123456Z-0001", "x", "../lock", "..");
  CHECK_THROWS_AS(rolled_back(tree, {id, false, false}), Error);
}

TEST_CASE("rollback: what is refused stays, with its journal", "[apply]") {
  const test::VfioTree tree(3);
  const auto before = tree.masks();
  static_cast<void>(applied(tree));
  const auto sysfs = tree.sysfs();
  auto options = test::quick_options();
  options.write = [&, calls = 0](auto path, auto text, const auto& holds) mutable {
    return calls++ == 1 ? std::error_code{ENOSPC, std::system_category()}
                        : sysfs.write(path, text, holds);
  };
  const auto reports = roll_back({}, sysfs, tree.session(), options);
  CHECK(reports.at(0).state == ApplyState::partial);
  CHECK(std::ranges::count(reports.at(0).outcomes, WriteState::refused, &Outcome::state) == 1);
  CHECK(rolled_back(tree).at(0).state == ApplyState::rolled_back);
  CHECK(tree.masks() == before);
}

TEST_CASE("rollback: a tree's file left uncut by a crash is made whole", "[apply]") {
  test::VfioTree tree(1);
  static_cast<void>(applied(tree));
  tree.file("/proc/irq/30/smp_affinity_list", "0-7\n\n\n");
  static_cast<void>(rolled_back(tree));
  CHECK(tree.mask(kIrq) == "0-7\n");
}

TEST_CASE("history: who, when, how much; pruning spares what may stand", "[apply]") {
  test::VfioTree tree(1);
  auto writes = tree.writes();
  std::string open;
  for (const int cpu : {1, 2, 3, 4}) {
    writes.at(0).after = CpuSet{cpu};
    const auto id = apply(writes, tree.sysfs(), tree.session(), test::quick_options()).id;
    if (cpu == 1) {
      open = id;
      tree.set_journal(id, cut_last_line(tree.journal(id)));
    }
  }
  const auto entries = history(tree.session());
  REQUIRE(entries.size() == 4);
  CHECK(entries[3].id == open);
  CHECK(entries[0].user == "alice");
  CHECK(entries[0].plan_digest == "0123456789abcdef");
  CHECK(entries[0].started.size() == std::string_view("2026-03-01T12:34:56Z").size());
  CHECK(entries[0].writes == 1);
  CHECK(entries[0].done == 1);
  CHECK(prune_journals(tree.session(), 0) == 0);  // Each is needed to take its masks back.
  CHECK(rolled_back(tree).at(0).state == ApplyState::rolled_back);
  CHECK(prune_journals(tree.session(), 1) == 0);
  CHECK(prune_journals(tree.session(), 0) == 1);
  static_cast<void>(rolled_back(tree, {{}, true, false}));
  CHECK(prune_journals(tree.session(), 2) == 1);
  CHECK(history(tree.session()).size() == 2);
  CHECK(prune_journals(tree.session(), 0) == 2);
}

}  // namespace irqtune
