// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/hosts/vfio_tree.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace irqtune::test {

namespace {

constexpr uid_t kNobody = 65534;
constexpr auto kCannot = "cannot be set up here";

/// What `work` returns in a child process, whose rights and mounts it may change.
std::string in_child(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const auto pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    const auto text = work();
    const auto written = ::write(ends[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  return text;
}

/// Makes `dir` read-only for this process alone. False where that is not allowed.
bool mount_read_only(const std::filesystem::path& dir) {
  const auto* path = dir.c_str();
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", "", MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount(path, path, "", MS_BIND, nullptr) == 0 &&
         ::mount(nullptr, path, "", MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0;
}

bool become_nobody() {
  return ::setgroups(0, nullptr) == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0;
}

/// Stays uid 0, as the root of a container that was given no capability.
bool drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::geteuid() == 0 && ::syscall(SYS_capset, &header, none.data()) == 0;
}

/// False, with a warning, if the test cannot be done on this machine.
bool possible(const std::string& said) {
  if (said == kCannot) {
    WARN("skipped: " << kCannot);
  }
  return said != kCannot;
}

void open_to_all(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  fs::permissions(root, fs::perms{0755});
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_symlink()) {
      fs::permissions(entry.path(), fs::perms{entry.is_directory() ? 0755U : 0644U});
    }
  }
}

}  // namespace

TEST_CASE("access: a tree that is there can be written", "[apply]") {
  const VfioTree tree(1);
  CHECK_FALSE(why_not_writable(tree.sysfs()));
  CHECK_FALSE(why_not_writable(FakeTree{{"/proc/interrupts", ""}}.sysfs()));
}

TEST_CASE("access: a read-only /proc is told from a refusal, before any journal", "[apply]") {
  const CapturedHost host("two-vms");
  const auto command = GENERATE(as<std::string>(), "apply", "rollback");
  const auto said = in_child([&] {
    if (command == "rollback" && run({"--root", host.root().string(), "apply"}).code != 0) {
      return std::string("the apply failed");
    }
    if (!mount_read_only(host.root() / "proc")) {
      return std::string(kCannot);
    }
    const auto ran = run({"--root", host.root().string(), command});
    return std::to_string(ran.code) + ' ' + ran.err;
  });
  if (possible(said)) {
    CHECK(said ==
          "1 irqtune: /proc/irq/default_smp_affinity: /proc is read-only here: run it on the host "
          "itself, not in a container nor in a unit with ProtectKernelTunables=\n");
    CHECK(std::filesystem::exists(host.root() / "var/lib/irqtune") == (command == "rollback"));
  }
}

TEST_CASE("access: a user who is not root is told so, before any journal", "[apply]") {
  const CapturedHost host("two-vms");
  open_to_all(host.root());
  const auto said = in_child([&] {
    if (!become_nobody()) {
      return std::string(kCannot);
    }
    const auto ran = run({"--root", host.root().string(), "apply"});
    return std::to_string(ran.code) + ' ' + ran.err;
  });
  if (possible(said)) {
    CHECK(said ==
          "1 irqtune: /proc/irq/default_smp_affinity: not writable: Permission denied: run it as "
          "root\n");
    CHECK_FALSE(std::filesystem::exists(host.root() / "var/lib/irqtune"));
  }
}

TEST_CASE("access: root without capabilities, on files of another owner", "[apply]") {
  const CapturedHost host("two-vms");
  open_to_all(host.root());
  const auto mask = host.root() / "proc/irq/default_smp_affinity";
  const auto said = in_child([&] {
    if (::chown(mask.c_str(), kNobody, kNobody) != 0 || !drop_capabilities()) {
      return std::string(kCannot);
    }
    return why_not_writable(host.sysfs()).value_or("writable");
  });
  if (possible(said)) {
    CHECK(said ==
          "/proc/irq/default_smp_affinity: not writable: Permission denied: root alone does not "
          "do: run it on the host itself, not in a user namespace nor without capabilities");
  }
}

}  // namespace irqtune::test
