// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace irqtune {

namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

ErrorKind kind_of(const fs::path& dir, const fs::path& root = "/") {
  try {
    const Lock lock(dir, milliseconds{0}, root);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::usage;  // No error at all: stands for "got it".
}

}  // namespace

TEST_CASE("lock: one at a time; the second is told who has it", "[apply]") {
  const test::FakeTree tree;
  const auto dir = tree.root() / "var/lib/irqtune";
  {
    const Lock first(dir, milliseconds{0});
    try {
      const Lock second(dir, milliseconds{1});
      FAIL("two at once");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::busy);
      CHECK(std::string(error.what()).find(std::to_string(::getpid())) != std::string::npos);
    }
  }
  CHECK(kind_of(dir) == ErrorKind::usage);
}

TEST_CASE("lock: the file of a dead process is no lock", "[apply]") {
  const test::FakeTree tree;
  const auto dir = tree.root() / "state";
  const auto pid = ::fork();
  if (pid == 0) {
    const Lock lock(dir, milliseconds{0});
    ::_exit(0);  // Without its destructor, as SIGKILL would.
  }
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  CHECK(fs::exists(dir / "lock"));
  CHECK(kind_of(dir) == ErrorKind::usage);
}

TEST_CASE("lock: waits for the holder to end", "[apply]") {
  const test::FakeTree tree;
  auto first = std::make_unique<Lock>(tree.root() / "state", milliseconds{0});
  std::thread holder([&] {
    std::this_thread::sleep_for(milliseconds{30});
    first.reset();
  });
  CHECK_NOTHROW(Lock(tree.root() / "state", milliseconds{10000}));
  holder.join();
}

TEST_CASE("lock: of two that waited, one for a file that was removed, one at a time gets it",
          "[apply]") {
  const test::FakeTree tree;
  const auto dir = tree.root() / "state";
  auto first = std::make_unique<Lock>(dir, milliseconds{0});
  std::thread waiting([&] {
    const Lock second(dir, milliseconds{10000});  // Has the old file open when it is removed.
    CHECK(kind_of(dir) == ErrorKind::busy);
  });
  std::this_thread::sleep_for(milliseconds{50});
  fs::remove(dir / "lock");
  first.reset();
  waiting.join();
}

TEST_CASE("lock: two state directories do not make two hosts", "[apply]") {
  const test::FakeTree tree;
  const auto session = [&](const char* state) {
    Session one;
    one.state_dir = tree.root() / state;
    one.root = tree.root();
    return one;
  };
  const auto stamp = lock_stamp(session("b"));
  {
    const Lock first(session("a"), milliseconds{0});
    try {
      const Lock second(session("b"), milliseconds{1});
      FAIL("two at once");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::busy);
      CHECK(std::string(error.what()).find("run/irqtune.lock") != std::string::npos);
      CHECK(std::string(error.what()).find(std::to_string(::getpid())) != std::string::npos);
    }
    CHECK_NOTHROW(Lock(session("b").state_dir, milliseconds{0}));  // What changes no mask.
  }
  CHECK(fs::status(tree.root() / "run/irqtune.lock").permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write));
  const Lock third(session("b"), milliseconds{0});
  CHECK(third.found() != stamp);
}

TEST_CASE("lock: a tree's /run does not lead out of it", "[apply]") {
  const test::FakeTree outside;
  test::FakeTree tree;
  tree.link("/run", outside.root().native());
  Session session;
  session.state_dir = tree.root() / "state";
  session.root = tree.root();
  CHECK_THROWS_AS(Lock(session, milliseconds{0}), Error);
  CHECK(fs::is_empty(outside.root()));
}

TEST_CASE("lock: a signal ends the wait", "[apply]") {
  const test::FakeTree tree;
  const auto dir = tree.root() / "state";
  const Lock first(dir, milliseconds{0});
  const SignalGuard guard;
  REQUIRE(::raise(SIGTERM) == 0);
  try {
    const Lock second(dir, milliseconds{600000});
    FAIL("two at once");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::applying);
    CHECK(std::string(error.what()).find("interrupted: nothing was changed") != std::string::npos);
  }
}

TEST_CASE("lock: who held it last can be told from the one before", "[apply]") {
  const test::FakeTree tree;
  const auto dir = tree.root() / "state";
  CHECK(lock_stamp(dir).empty());
  {
    const Lock first(dir, milliseconds{0});
    CHECK(first.found().empty());
  }
  const auto stamp = lock_stamp(dir);
  CHECK_FALSE(stamp.empty());
  {
    const Lock second(dir, milliseconds{0});
    CHECK(second.found() == stamp);
    const auto held = lock_stamp(dir);
    CHECK(held != stamp);
    // A clock tick of the file system's later, as any real work takes.
    std::this_thread::sleep_for(milliseconds{20});
  }
  const auto ended = lock_stamp(dir);
  CHECK(ended != stamp);
  const auto pid = ::fork();
  if (pid == 0) {
    const Lock other(dir, milliseconds{0});
    ::_exit(0);
  }
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  CHECK(lock_stamp(dir) != ended);
}

TEST_CASE("lock: makes a directory of its own that others may read, and a lock that they may not",
          "[apply]") {
  const test::FakeTree tree;
  const auto dir = tree.root() / "a/b/state";
  CHECK(kind_of(dir) == ErrorKind::usage);
  CHECK(fs::status(dir).permissions() == fs::perms{0755});
  CHECK(fs::status(dir / "lock").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("lock: a directory that others may write to is refused", "[apply]") {
  const test::FakeTree tree;
  const auto dir = tree.root() / "state";
  fs::create_directory(dir);
  const auto perms = GENERATE(fs::perms::group_write, fs::perms::others_write);
  fs::permissions(dir, fs::perms::owner_all | perms);
  CHECK(kind_of(dir) == ErrorKind::applying);
}

TEST_CASE("lock: someone else's directory is refused", "[apply]") {
  const test::FakeTree tree;
  const auto dir = tree.root() / "state";
  fs::create_directory(dir);
  if (::chown(dir.c_str(), 12345, 12345) != 0) {
    return;  // Only root can make such a directory.
  }
  CHECK(kind_of(dir) == ErrorKind::applying);
}

TEST_CASE("lock: someone else's link on the way is not followed", "[apply]") {
  test::FakeTree tree;
  fs::create_directory(tree.root() / "real");
  tree.link("/link", "real");
  CHECK(kind_of(tree.root() / "link/state") == ErrorKind::usage);  // Our own is.
  if (::lchown((tree.root() / "link").c_str(), 12345, 12345) != 0) {
    return;
  }
  CHECK(kind_of(tree.root() / "link/state") == ErrorKind::applying);
}

TEST_CASE("lock: a tree's own links do not lead out of it", "[apply]") {
  const test::FakeTree outside;
  test::FakeTree tree;
  tree.link("/var", outside.root().native());
  CHECK(kind_of(tree.root() / "var/lib/irqtune", tree.root()) == ErrorKind::applying);
  CHECK(fs::is_empty(outside.root()));
}

TEST_CASE("lock: links that go round are noticed", "[apply]") {
  test::FakeTree tree;
  tree.link("/a", "b");
  tree.link("/b", "a");
  CHECK(kind_of(tree.root() / "a/state") == ErrorKind::applying);
}

TEST_CASE("lock: neither a link nor a FIFO is taken for the lock file", "[apply]") {
  test::FakeTree tree;
  const auto dir = tree.root() / "state";
  fs::create_directory(dir);
  tree.file("/victim", "precious");
  tree.link("/state/lock", "../victim");
  CHECK(kind_of(dir) == ErrorKind::applying);
  CHECK(tree.text("/victim") == "precious");
}

TEST_CASE("lock: the host's may be in a directory that others write to", "[apply]") {
  test::FakeTree tree;
  Session session;
  session.root = tree.root().native();
  session.state_dir = tree.root() / "var/lib/irqtune";
  fs::create_directories(tree.root() / "run");
  fs::permissions(tree.root() / "run", fs::perms::all);
  tree.file("/run/other", "kept");
  fs::create_hard_link(tree.root() / "run/other", tree.root() / "run/irqtune.lock");
  CHECK_THROWS_AS(Lock(session, milliseconds{0}), Error);
  CHECK(fs::file_size(tree.root() / "run/other") == 4);
  fs::remove(tree.root() / "run/irqtune.lock");
  const Lock lock(session, milliseconds{0});
  CHECK(fs::exists(tree.root() / "run/irqtune.lock"));
}

}  // namespace irqtune
