// SPDX-License-Identifier: Apache-2.0
// A disk that is full: what was there stays, what was begun goes, and the error says why. A limit
// on the size of files stands for the disk, so that no test needs root.
#include "support/bounded.h"
#include "support/catch.h"
#include "support/hosts/vfio_tree.h"
#include "sys/output_file.h"

#include <filesystem>

#include <sys/stat.h>

namespace irqtune::test {

namespace {

namespace fs = std::filesystem;

std::string only_names(const fs::path& directory) {
  std::string names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names += entry.path().filename().string() + " ";
  }
  return names;
}

}  // namespace

TEST_CASE("full disk: a plan file is whole or the old one", "[cli][full-disk]") {
  const CapturedHost host("two-vms");
  const FakeTree out{{"/plan.json", "old"}};
  const auto path = (out.root() / "plan.json").string();
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const std::vector<std::string> plan{"--root", host.root(), "plan", "-o", path};
  const auto full = run_bounded(plan, 4096);
  CHECK(full.code == 1);
  CHECK_THAT(full.err, Catch::Contains(path + ": cannot write the plan: File too large"));
  CHECK_THAT(full.err, Catch::Contains("hint: free space on its file system, or name another"));
  CHECK(out.text("/plan.json") == "old");
  CHECK(only_names(out.root()) == "plan.json ");

  CHECK(run(plan).code == 0);
  CHECK(out.text("/plan.json").size() > 4096);
  CHECK(only_names(out.root()) == "plan.json ");

  struct stat status {};

  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0640);
}

TEST_CASE("full disk: a plan goes through a link, and to what is no file", "[cli][full-disk]") {
  const CapturedHost host("two-vms");
  FakeTree out{{"/real.json", "old"}};
  out.link("/link.json", "real.json");
  CHECK(run({"--root", host.root(), "plan", "-o", out.root() / "link.json"}).code == 0);
  CHECK(fs::is_symlink(out.root() / "link.json"));
  CHECK(out.text("/real.json").size() > 100);
  CHECK(run({"--root", host.root(), "plan", "-o", "/dev/null"}).code == 0);
  CHECK(fs::is_character_file("/dev/null"));
  const auto full = run({"--root", host.root(), "plan", "-o", "/dev/full"});
  CHECK(full.code == 1);
  CHECK_THAT(full.err, Catch::Contains("No space left on device"));
  CHECK(run({"--root", host.root(), "plan", "-o", out.root() / "no/such.json"}).code == 1);
}

TEST_CASE("full disk: a snapshot is whole or the old one", "[cli][full-disk]") {
  const CapturedHost host("two-vms");
  const FakeTree out{{"/snap.tar.gz", "old"}};
  const auto file =
      run_bounded({"--root", host.root(), "snapshot", "-o", out.root() / "snap.tar.gz"}, 8192);
  CHECK(file.code == 1);
  CHECK_THAT(file.err, Catch::Contains("snap.tar.gz: cannot write it: File too large"));
  CHECK_THAT(file.err, Catch::Contains("hint: free space on its file system, or name another"));
  CHECK(out.text("/snap.tar.gz") == "old");
  const auto tree =
      run_bounded({"--root", host.root(), "snapshot", "-o", out.root() / "tree"}, 1000);
  CHECK(tree.code == 1);
  CHECK_THAT(tree.err, Catch::Contains("cannot write it: File too large"));
  CHECK(only_names(out.root()) == "snap.tar.gz ");
}

TEST_CASE("full disk: no journal, no change", "[cli][full-disk]") {
  const CapturedHost host("two-vms");
  const auto before = host.contents();
  const auto full = run_bounded({"--root", host.root(), "apply"}, 4096);
  CHECK(full.code == 1);
  CHECK_THAT(full.err, Catch::Contains("cannot write the journal: File too large"));
  CHECK_THAT(full.err, Catch::Contains("free space on its file system, or give another --state"));
  CHECK(host.contents() == before);
  CHECK(fs::is_empty(host.root() / "var/lib/irqtune/journal"));
}

TEST_CASE("full disk: what to do depends on why", "[full-disk]") {
  const auto hint = [](std::errc why) { return write_hint(std::make_error_code(why), "go on"); };
  CHECK(hint(std::errc::no_space_on_device) == "free space on its file system, or go on");
  CHECK(hint(std::errc::read_only_file_system) == "make its file system writable, or go on");
  CHECK(hint(std::errc::permission_denied) == "be root, or go on");
  CHECK(hint(std::errc::io_error) == "go on");
}

}  // namespace irqtune::test
