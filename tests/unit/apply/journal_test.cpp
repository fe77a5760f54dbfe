// SPDX-License-Identifier: Apache-2.0
#include "apply/journal/journal.h"

#include "irqtune/core/error.h"

#include "support/catch.h"
#include "support/hosts/vfio_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>

#include <sys/stat.h>

namespace irqtune {

namespace {

std::string whole_journal(const test::VfioTree& tree) {
  static_cast<void>(apply(tree.writes(true), tree.sysfs(), tree.session(), test::quick_options()));
  static_cast<void>(roll_back({}, tree.sysfs(), tree.session(), test::quick_options()));
  return tree.journal();
}

unsigned mode_of(const std::filesystem::path& path) {
  struct stat status {};

  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

}  // namespace

TEST_CASE("journal: reads back what was written", "[apply]") {
  const test::VfioTree tree(3);
  const auto journal = parse_journal(whole_journal(tree));
  CHECK(journal.problem.empty());
  CHECK(journal.state == JournalState::rolled_back);
  CHECK(journal.root == tree.root().native());
  CHECK_FALSE(journal.boot_id);
  REQUIRE(journal.writes.size() == 4);
  CHECK_FALSE(journal.writes.at(0).write.identity);
  CHECK(journal.writes.at(0).write.before == "ff");
  CHECK(journal.writes.at(0).write.after == CpuSet{0, 1});
  const auto& second = journal.writes.at(2);
  CHECK(second.write.identity->irq == IrqNumber{31});
  CHECK(second.write.identity->vector == VectorId{test::vfio_device(), VectorKind::msix, 1});
  CHECK(second.written);
  CHECK(second.undone);
  CHECK(second.state == WriteState::ok);
}

TEST_CASE("journal: every prefix of it is no worse than interrupted", "[apply]") {
  const test::VfioTree tree(2);
  const auto text = whole_journal(tree);
  const auto head = text.find('\n') + 1;
  for (std::size_t size = head; size < text.size(); ++size) {
    CAPTURE(size);
    const auto journal = parse_journal(text.substr(0, size));
    CHECK(journal.problem.empty());
    CHECK(journal.good_bytes <= size);
    CHECK(parse_journal(text.substr(0, journal.good_bytes)).state == journal.state);
  }
  CHECK_FALSE(parse_journal(text.substr(0, head - 1)).problem.empty());
  CHECK_FALSE(parse_journal("").problem.empty());
}

TEST_CASE("journal: any other damage is a problem, and never worse", "[apply]") {
  const test::VfioTree tree(2);
  const auto text = whole_journal(tree);
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    auto spoilt = text;
    const auto at = random() % spoilt.size();
    switch (random() % 3) {
      case 0:
        spoilt[at] = static_cast<char>(random());
        break;
      case 1:
        spoilt.erase(at, random() % 40);
        break;
      default:
        spoilt.insert(at, spoilt.substr(random() % spoilt.size(), random() % 40));
        break;
    }
    const auto journal = parse_journal(spoilt);  // Under the sanitizers: reads nothing it must not.
    for (const auto& [number, write] : journal.writes) {
      CHECK((write.write.after.empty() || !write.write.identity || write.write.identity->vector ||
             !write.write.identity->actions.empty()));
    }
  }
}

TEST_CASE("journal: lines that make no sense are named", "[apply]") {
  const std::string head = R"({"schema":"irqtune.journal/1","root":"/"})";
  const std::string good = R"({"event":"intent","write":0,"irq":null,"before":"ff","after":"0-1"})";
  const auto bad = GENERATE(as<std::string>{},
                            "x",
                            "[]",
                            "{}",
                            "1",
                            R"({"event":5})",
                            R"({"event":"intent","write":1,"irq":null,"before":"f","after":""})",
                            R"({"event":"intent","write":1,"irq":null,"before":"f","after":"z"})",
                            R"({"event":"intent","write":1,"irq":-1,"before":"f","after":"1"})",
                            R"({"event":"intent","write":1,"irq":5,"before":"f","after":"1"})",
                            R"({"event":"intent","write":1,"irq":5,"vector":null,"actions":[],)"
                            R"("before":"f","after":"1"})",
                            R"({"event":"intent","write":1,"irq":5,"vector":{"device":"x"},)"
                            R"("before":"f","after":"1"})",
                            R"({"event":"written","write":1})",
                            R"({"event":"undone","write":0,"state":"?"})",
                            R"({"event":"state","state":"finished"})");
  CAPTURE(bad);
  const auto journal = parse_journal(head + "\n" + good + "\n" + bad + "\n");
  CHECK(journal.problem == "line 3 cannot be understood");
  CHECK(journal.writes.size() == 1);
  CHECK(journal.state == JournalState::open);
}

TEST_CASE("journal: a write whose intent is lost costs no other", "[apply]") {
  const auto intent = [](int number) {
    return fmt::format(R"({{"event":"intent","write":{},"irq":null,"before":"ff","after":"0-1"}})"
                       "\n",
                       number);
  };
  const std::string head = "{\"schema\":\"irqtune.journal/1\",\"root\":\"/\"}\n";
  const auto journal = parse_journal(head + intent(0) + intent(2) + intent(3));
  CHECK(journal.problem == "write 1 is missing before write 2");
  CHECK(journal.writes.size() == 3);
  CHECK(journal.writes.contains(3));
  // It may come again, where the interrupt got another number before its turn.
  const auto again = parse_journal(head + "?\n" + intent(1) + intent(0));
  CHECK(again.problem == "line 2 cannot be understood");
  CHECK(again.writes.size() == 2);
  CHECK(parse_journal(head + intent(0) + intent(1) + intent(0)).problem.empty());
}

TEST_CASE("journal: events and members that a later program adds are passed over", "[apply]") {
  const auto journal = parse_journal(
      "{\"schema\":\"irqtune.journal/1\",\"root\":\"/\",\"colour\":\"red\"}\n"
      "{\"event\":\"weather\",\"rain\":true}\n");
  CHECK(journal.problem.empty());
  CHECK(journal.root == "/");
}

TEST_CASE("journal: ids count up, whatever the clock says", "[apply]") {
  test::VfioTree tree(1);
  tree.set_journal("20990101T000000Z-00fe", "");
  std::filesystem::permissions(tree.root() / "var/lib/irqtune", std::filesystem::perms::owner_all);
  static_cast<void>(apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options()));
  const auto entries = history(tree.session());
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].id.ends_with("-00ff"));
  CHECK(entries[0].state == JournalState::committed);
  CHECK_FALSE(entries[1].problem.empty());
  CHECK(journal_sequence("20260301T123456Z-001a") == 0x1a);
  for (const auto* const id : {"",
                               "20260301T123456Z",
                               "20260301T123456Z-",
                               "x",
                               "../lock",
                               "20260301T123456Z-1a/b",
                               "20260301T123456Z_001a"}) {
    CHECK_FALSE(journal_sequence(id));
  }
}

TEST_CASE("journal: others may read it, and nobody else may write it", "[apply]") {
  const test::VfioTree tree(1);
  static_cast<void>(apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options()));
  const auto dir = tree.session().state_dir;
  CHECK(mode_of(dir) == 0755);
  CHECK(mode_of(dir / "journal") == 0755);
  CHECK(mode_of(dir / "journal" / (history(tree.session()).at(0).id + ".jsonl")) == 0644);
}

TEST_CASE("journal: a directory that was closed is opened to readers once, and that is said",
          "[apply]") {
  const test::VfioTree tree(2);
  const auto dir = tree.session().state_dir;
  const auto first =
      apply({tree.writes().at(0)}, tree.sysfs(), tree.session(), test::quick_options());
  const auto old = dir / "journal" / (first.id + ".jsonl");
  std::filesystem::permissions(dir, std::filesystem::perms{0700});
  std::filesystem::permissions(dir / "journal", std::filesystem::perms{0700});
  std::filesystem::permissions(old, std::filesystem::perms{0600});
  const auto second =
      apply({tree.writes().at(1)}, tree.sysfs(), tree.session(), test::quick_options());
  REQUIRE(second.warnings.size() == 1);
  CHECK(second.warnings.at(0).find("other users may read it now") != std::string::npos);
  CHECK(mode_of(dir) == 0755);
  CHECK(mode_of(dir / "journal") == 0755);
  CHECK(mode_of(old) == 0644);
}

TEST_CASE("journal: what an interrupted creation left behind is cleared away", "[apply]") {
  test::VfioTree tree(1);
  tree.file("/var/lib/irqtune/journal/.new-20260301T123456Z-0001.jsonl", "half of a jour");
  CHECK(history(tree.session()).empty());
  static_cast<void>(apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options()));
  CHECK(tree.sysfs().list("/var/lib/irqtune/journal").size() == 1);
}

TEST_CASE("journal: a link in its place is not followed", "[apply]") {
  test::VfioTree tree(1);
  static_cast<void>(apply(tree.writes(), tree.sysfs(), tree.session(), test::quick_options()));
  const auto text = tree.journal();
  tree.file("/elsewhere", text);
  tree.link("/var/lib/irqtune/journal/20990101T000000Z-0099.jsonl", "/elsewhere");
  const auto entries = history(tree.session());
  REQUIRE(entries.size() == 2);
  CHECK_FALSE(entries[0].problem.empty());
}

}  // namespace irqtune
