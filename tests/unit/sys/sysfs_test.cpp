// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/sysfs.h"

#include "irqtune/core/error.h"
#include "irqtune/sys/tree_writer.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/hosts/fake_tree.h"
#include "sys/open_file.h"
#include "sys/rooted.h"

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace irqtune {

TEST_CASE("Sysfs: reads below its root and reports absence as absence", "[sys]") {
  const test::FakeTree tree{{"/proc/irq/30/smp_affinity_list", "0-3\n"}};
  CHECK(tree.sysfs().read("/proc/irq/30/smp_affinity_list") == "0-3");
  CHECK_FALSE(tree.sysfs().read("/proc/irq/31/smp_affinity_list"));
  CHECK(tree.sysfs().read_file("/proc/irq/31/smp_affinity_list").error ==
        std::errc::no_such_file_or_directory);
  CHECK(tree.sysfs().list("/proc/irq") == std::vector<std::string>{"30"});
  CHECK(tree.sysfs().list("/proc/nothing").empty());
  CHECK(tree.sysfs().exists("/proc/irq/30"));
}

TEST_CASE("Sysfs: links stay inside the root", "[sys]") {
  test::FakeTree tree{{"/etc/secret", "inside\n"}, {"/sys/devices/pci0000:00/0000:00:01.0/a", "1"}};
  tree.link("/sys/absolute", "/etc/secret");
  tree.link("/sys/upwards", "../../../../../../etc/secret");
  tree.link("/sys/loop", "loop");
  tree.link("/sys/bus/pci/devices/0000:00:01.0", "../../../devices/pci0000:00/0000:00:01.0");
  const auto sysfs = tree.sysfs();
  CHECK(sysfs.read("/sys/absolute") == "inside");
  CHECK(sysfs.read("/sys/upwards") == "inside");
  CHECK_FALSE(sysfs.read("/sys/loop"));
  CHECK(sysfs.link_name("/sys/bus/pci/devices/0000:00:01.0") == "0000:00:01.0");
  CHECK(sysfs.resolve("/sys/bus/pci/devices/0000:00:01.0/a") ==
        "/sys/devices/pci0000:00/0000:00:01.0/a");
  CHECK_FALSE(sysfs.resolve("/sys/loop"));
  const int root = ::open(tree.root().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  CHECK(open_by_hand(root, "/sys/upwards", O_RDONLY).valid());
  CHECK_FALSE(open_by_hand(root, "/sys/loop", O_RDONLY).valid());
  ::close(root);
}

TEST_CASE("Sysfs: the links of a directory, by name, as they stand", "[sys]") {
  test::FakeTree tree{{"/proc/7/fd/9", "no link\n"}};
  tree.link("/proc/7/fd/3", "anon_inode:[vfio-device]");
  tree.link("/proc/7/fd/12", "/dev/vfio/4");
  write_tree(tree.root() / "s.tar.gz",
             {{"/proc/7/fd/9", {TreeImage::Kind::file, 0644, "no link\n"}},
              {"/proc/7/fd/3", {TreeImage::Kind::symlink, 0777, "anon_inode:[vfio-device]"}},
              {"/proc/7/fd/12", {TreeImage::Kind::symlink, 0777, "/dev/vfio/4"}}});
  for (const auto& sysfs : {tree.sysfs(), Sysfs(tree.root() / "s.tar.gz")}) {
    CAPTURE(sysfs.root());
    CHECK(sysfs.links("/proc/7/fd") ==
          std::vector<std::pair<std::string, std::string>>{{"12", "/dev/vfio/4"},
                                                           {"3", "anon_inode:[vfio-device]"}});
    std::error_code error;
    CHECK(sysfs.links("/proc/8/fd", &error).empty());
    CHECK(error == std::errc::no_such_file_or_directory);
  }
}

TEST_CASE("Sysfs: a FIFO, a directory or a huge file is an error at once", "[sys]") {
  test::FakeTree tree{{"/proc/stat", std::string(5000, 'x')}};
  REQUIRE(::mkfifo((tree.root() / "proc/interrupts").c_str(), 0600) == 0);
  CHECK(tree.sysfs().read_file("/proc/interrupts").error.value() == EMEDIUMTYPE);
  CHECK(tree.sysfs().read_file("/proc").error == std::errc::is_a_directory);
  CHECK(tree.sysfs().read_file("/proc/stat", 4999).error == std::errc::file_too_large);
  CHECK(tree.sysfs().read_file("/proc/stat", 5000).text->size() == 5000);
}

TEST_CASE("Sysfs: a file is read whole, however long and wherever it is", "[sys]") {
  const std::vector<std::string> paths = {"/sys/kernel/irq/30/actions",
                                          "/sys/fs/cgroup/cgroup.threads",
                                          "/proc/irq/30/smp_affinity_list",
                                          "/proc/7/status",
                                          "/proc/stat"};
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 8192U, 20000U}) {
    for (const auto& path : paths) {
      CAPTURE(size, path);
      const std::string text(size, 'x');
      const test::FakeTree tree{{path, text}};
      const auto file = tree.sysfs().read_file(path);
      CHECK(file.text == text);
      CHECK(file.mode != 0);
      CHECK(tree.sysfs().read(path) == text);
    }
  }
}

TEST_CASE("Sysfs: what is read at once is refused too if it is no file", "[sys]") {
  const std::string path = "/sys/devices/system/cpu/online";
  const std::string wrong =
      path + ": " + std::error_code(EMEDIUMTYPE, std::system_category()).message();
  const auto passed_over = [&](const auto& make) {
    const test::FakeTree tree{{path, "0-3"}};
    std::filesystem::remove(tree.root() / path.substr(1));
    make((tree.root() / path.substr(1)).c_str());
    const auto sysfs = tree.sysfs();
    CHECK_FALSE(sysfs.read(path));
    return sysfs.passed_over();
  };
  CHECK(passed_over([](const char* at) { REQUIRE(::mkfifo(at, 0600) == 0); }) ==
        std::vector<std::string>{wrong});
  CHECK(passed_over([](const char* at) { REQUIRE(::mkdir(at, 0700) == 0); }) ==
        std::vector<std::string>{path + ": Is a directory"});
  for (const unsigned minor : {3U, 5U, 8U}) {  // null, zero, random
    const auto made = passed_over([&](const char* at) {
      if (::mknod(at, S_IFCHR | 0600, makedev(1, minor)) != 0) {
        WARN("not root: no device can be made");
        REQUIRE(::mkfifo(at, 0600) == 0);
      }
    });
    CHECK(made == std::vector<std::string>{wrong});
  }
}

TEST_CASE("Sysfs: which of the kernel's files come as one piece", "[sys]") {
  for (const auto* path : {"/sys/devices/system/cpu/cpu0/topology/core_id",
                           "/proc/irq/30/smp_affinity_list",
                           "/proc/7/stat",
                           "/proc/7/task/8/status"}) {
    CAPTURE(path);
    CHECK(is_one_record(path));
  }
  for (const auto* path : {"/sys/fs/cgroup/cgroup.threads",
                           "/sys/kernel/debug/kvm/7-12/vcpu0/pid",
                           "/proc/interrupts",
                           "/proc/stat",
                           "/proc/7/maps",
                           "/proc/7/cmdline",
                           "/sample2/proc/7/stat",
                           "/etc/sys/comm",
                           "/proc/",
                           ""}) {
    CAPTURE(path);
    CHECK_FALSE(is_one_record(path));
  }
}

TEST_CASE("Sysfs: writes only while the guard holds", "[sys]") {
  const test::FakeTree tree{{"/proc/irq/30/smp_affinity_list", "0-15\n"}, {"/bare", "0-3"}};
  const auto sysfs = tree.sysfs();
  const auto fails = [] { return false; };
  const auto holds = [] { return true; };
  CHECK(sysfs.write("/proc/irq/30/smp_affinity_list", "2", fails).value() == ESTALE);
  CHECK(tree.text("/proc/irq/30/smp_affinity_list") == "0-15\n");
  CHECK_FALSE(sysfs.write("/proc/irq/30/smp_affinity_list", "2", holds));
  CHECK(tree.text("/proc/irq/30/smp_affinity_list") == "2\n");
  CHECK_FALSE(sysfs.write("/bare", "1", {}));
  CHECK(tree.text("/bare") == "1");
  CHECK(sysfs.write("/proc/irq/31/smp_affinity_list", "2", {}) ==
        std::errc::no_such_file_or_directory);
}

TEST_CASE("Sysfs: a snapshot file is a root that cannot be written", "[sys]") {
  const Sysfs sysfs(test::capture_file("two-vms"));
  CHECK(sysfs.in_memory());
  CHECK_FALSE(sysfs.live());
  CHECK(sysfs.read("/proc/irq/74/smp_affinity_list") == "0-7");
  CHECK(sysfs.link_name("/sys/bus/pci/devices/0000:24:00.0/driver") == "vfio-pci");
  CHECK(sysfs.list("/sys/bus/pci/devices/0000:24:00.0/msi_irqs").size() == 5);
  CHECK(sysfs.resolve("/sys/bus/pci/devices/0000:24:00.0")->ends_with("/0000:24:00.0"));
  CHECK(sysfs.exists("/sys/bus/pci/devices/0000:24:00.0/vfio-dev"));
  CHECK_FALSE(sysfs.read("/proc/irq/9999/smp_affinity_list"));
  CHECK(sysfs.write("/proc/irq/74/smp_affinity_list", "1", {}) == std::errc::read_only_file_system);
}

TEST_CASE("Sysfs: a root that is none is bad usage", "[sys]") {
  CHECK_THROWS_AS(Sysfs("/nonexistent-root"), Error);
}

}  // namespace irqtune
