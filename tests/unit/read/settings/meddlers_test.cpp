// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings/meddlers.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"

#include <algorithm>
#include <filesystem>
#include <string>

namespace irqtune {

namespace {

const std::vector<std::string> kDrivers = {"vfio-pci", "mlx5_vfio_pci"};

/// A tree in which irqbalance runs with these arguments (separated by blanks).
test::FakeTree& add_irqbalance(test::FakeTree& tree, std::string arguments) {
  std::ranges::replace(arguments, ' ', '\0');
  tree.file("/proc/812/comm", "irqbalance\n");
  tree.file("/proc/812/cmdline", "/usr/sbin/irqbalance" + ('\0' + arguments) + '\0');
  return tree;
}

void allow_all(const test::FakeTree& tree, const std::string& path) {
  std::filesystem::permissions(tree.root() / path, std::filesystem::perms::all);
}

bool has_line(const Meddler& meddler, const std::string& line) {
  return std::ranges::find(meddler.advice, line) != meddler.advice.end();
}

}  // namespace

TEST_CASE("meddlers: a host without them has none", "[read]") {
  const test::FakeTree tree{{"/proc/1/comm", "systemd\n"}, {"/proc/interrupts", ""}};
  CHECK(find_meddlers(tree.sysfs(), kDrivers).empty());
}

TEST_CASE("meddlers: irqbalance moves vfio's vectors unless told not to", "[read]") {
  const auto [arguments, undoes] = GENERATE(table<std::string, bool>({
      {"--foreground", true},
      {"--foreground --banirq=30", true},  // Numbers change.
      {"--banmod=vfio", false},
      {"--banmod vfio", false},
      {"-m vfio", false},
      {"-mvfio", false},
      {"--banmod=vfio_pci", true},  // No part of "vfio-pci".
      {"--banmod=vfio-pci", true},  // No part of "mlx5_vfio_pci".
      {"--banmod=vfio-pci --banmod=vfio_pci", false},
      {"-fm vfio", false},  // Bundled.
      {"-djmvfio", false},
      {"--banm=vfio", false},        // Shortened.
      {"--ban=vfio", true},          // Of two.
      {"-t -m --foreground", true},  // "-m" is the interval.
      {"-- --banmod=vfio", true},
      {"--policyscript=/etc/bans.sh", false},
      {"--pol /etc/bans.sh", false},
      {"-l /etc/bans.sh", false},
      {"-l /etc/policy.d", false},
      {"--policyscript=/etc/absent.sh", true},
      {"--policyscript=/etc/numa.sh", true},
      {"--policyscript=/etc/plain.sh", true},  // May not be run.
      {"-l /etc/comment.sh", true},
      {"-l /etc/nvme.sh", true},  // Bans another device.
      {"-l /etc/vfio.sh", false},
      {"--banmod=", true},
  }));
  CAPTURE(arguments);
  test::FakeTree tree;
  const std::string bans = "#!/bin/sh\necho ban=true\n";
  for (const std::string name : {"bans.sh", "policy.d/a"}) {
    tree.file("/etc/" + name, bans);
    allow_all(tree, "etc/" + name);
  }
  tree.file("/etc/plain.sh", bans);
  tree.file("/etc/numa.sh", "#!/bin/sh\necho numa_node=0\n");
  allow_all(tree, "etc/numa.sh");
  tree.file("/etc/comment.sh", "#!/bin/sh\n# ban=true would ban it\necho ban=false\n");
  allow_all(tree, "etc/comment.sh");
  tree.file("/etc/nvme.sh", "#!/bin/sh\ncase $1 in */0000:21:00.0) echo ban=true;; esac\n");
  allow_all(tree, "etc/nvme.sh");
  tree.file("/etc/vfio.sh",
            "#!/bin/sh\n[ $(basename $(readlink $1/driver)) = vfio-pci ] && echo BAN=TRUE\n");
  allow_all(tree, "etc/vfio.sh");
  const auto found = find_meddlers(add_irqbalance(tree, arguments).sysfs(), kDrivers);
  REQUIRE(found.size() == 1);
  CHECK(found[0].name == "irqbalance");
  CHECK(found[0].pid == 812);
  CHECK(found[0].would_undo == undoes);
  CHECK(found[0].advice.empty() == !undoes);
  CHECK(found[0].detail.find("/usr/sbin/irqbalance") != std::string::npos);
}

TEST_CASE("meddlers: the advice keeps what irqbalance was told already", "[read]") {
  test::FakeTree tree;
  add_irqbalance(tree, "--foreground");
  SECTION("Debian") {
    tree.file("/etc/default/irqbalance", "# options\nIRQBALANCE_ARGS=\"--powerthresh=3\"\n");
    const auto found = find_meddlers(tree.sysfs(), kDrivers);
    CHECK(has_line(found.at(0), "IRQBALANCE_ARGS=\"--powerthresh=3 --banmod=vfio\""));
    CHECK(has_line(found.at(0), "systemctl restart irqbalance"));
  }
  SECTION("Debian of old") {
    tree.file("/etc/default/irqbalance", "OPTIONS=\"-t 5\"\n");
    CHECK(has_line(find_meddlers(tree.sysfs(), kDrivers).at(0), "OPTIONS=\"-t 5 --banmod=vfio\""));
  }
  SECTION("its unit knows the variable") {
    tree.file("/etc/default/irqbalance", "#OPTIONS=\n");
    const auto line_of = [&](const std::string& variable) {
      tree.file("/lib/systemd/system/irqbalance.service",
                "[Service]\nExecStart=/usr/sbin/irqbalance --foreground " + variable + "\n");
      return find_meddlers(tree.sysfs(), kDrivers).at(0).advice.at(1);
    };
    CHECK(line_of("$OPTIONS") == "OPTIONS=\"--banmod=vfio\"");
    CHECK(line_of("$IRQBALANCE_ARGS") == "IRQBALANCE_ARGS=\"--banmod=vfio\"");
  }
  SECTION("Red Hat") {
    tree.file("/etc/sysconfig/irqbalance", "#IRQBALANCE_ARGS=\n");
    const auto found = find_meddlers(tree.sysfs(), kDrivers);
    CHECK(has_line(found.at(0), "IRQBALANCE_ARGS=\"--banmod=vfio\""));
    CHECK(found.at(0).advice.at(0).find("/etc/sysconfig/irqbalance") != std::string::npos);
  }
  SECTION("set, but it runs without") {
    tree.file("/etc/default/irqbalance", "IRQBALANCE_ARGS=\"--banmod=vfio\"\n");
    const auto found = find_meddlers(tree.sysfs(), kDrivers);
    CHECK(found.at(0).would_undo);
    REQUIRE(found.at(0).advice.size() == 1);
    CHECK(found.at(0).advice[0].find("systemctl restart irqbalance") != std::string::npos);
  }
}

TEST_CASE("meddlers: host drivers are banned by name", "[read]") {
  test::FakeTree tree;
  const auto found =
      find_meddlers(add_irqbalance(tree, "").sysfs(), {"mlx5_core", "nvme", "mlx5_core"});
  CHECK(has_line(found.at(0), "IRQBALANCE_ARGS=\"--banmod=mlx5_core --banmod=nvme\""));
}

TEST_CASE("meddlers: TuneD matters if its profile sets affinities", "[read]") {
  test::FakeTree tree{{"/proc/700/comm", "tuned\n"}, {"/etc/tuned/active_profile", "mine\n"}};
  const auto [conf, undoes] = GENERATE(table<std::string, bool>({
      {"[main]\nsummary=x\n[cpu]\ngovernor=performance\n", false},
      {"[scheduler]\nisolated_cores=2-5\n", true},
      {"[scheduler]\nisolated_cores=2-5\nirq_process=false\n", false},
      {"[main]\ninclude=parent\n", true},
      {"[main]\ninclude=parent\n[scheduler]\nirq_process = false\n", false},
      {"[irq]\naffinity=0\n", true},
      {"[main]\ninclude=mine\n", false},  // Itself: no end otherwise.
  }));
  CAPTURE(conf);
  tree.file("/etc/tuned/mine/tuned.conf", conf);
  tree.file("/usr/lib/tuned/profiles/parent/tuned.conf", "[scheduler]\nisolated_cores=2\n");
  const auto found = find_meddlers(tree.sysfs(), kDrivers);
  REQUIRE(found.size() == 1);
  CHECK(found[0].name == "tuned");
  CHECK(found[0].would_undo == undoes);
  CHECK(found[0].advice.empty() == !undoes);
}

TEST_CASE("meddlers: the profile that keeps TuneD off, where this TuneD looks for it", "[read]") {
  const auto [path, file] = GENERATE(table<std::string, std::string>({
      {"/usr/lib/tuned/rt/tuned.conf",
       "mkdir -p /etc/tuned/irqtune, and in /etc/tuned/irqtune/tuned.conf:"},
      {"/usr/lib/tuned/profiles/rt/tuned.conf",
       "mkdir -p /etc/tuned/profiles/irqtune, and in /etc/tuned/profiles/irqtune/tuned.conf:"},
  }));
  const test::FakeTree tree{{"/proc/700/comm", "tuned\n"},
                            {"/etc/tuned/active_profile", "rt mine\n"},
                            {path, "[scheduler]\nisolated_cores=2-5\n[irq]\naffinity=0\n"}};
  const auto advice = find_meddlers(tree.sysfs(), kDrivers).at(0).advice;
  CHECK(advice.at(0).ends_with(file));
  CHECK(std::vector(advice.begin() + 1, advice.end()) ==
        std::vector<std::string>{"[main]",
                                 "include=rt,mine",
                                 "[irq]",
                                 "enabled=false",
                                 "[scheduler]",
                                 "irq_process=false",
                                 "default_irq_smp_affinity=ignore",
                                 "tuned-adm profile irqtune"});
}

TEST_CASE("meddlers: the CPUs that irqbalance keeps off", "[read]") {
  test::FakeTree tree{{"/sys/devices/system/cpu/isolated", "4-5\n"},
                      {"/sys/devices/system/cpu/nohz_full", "5-6\n"}};
  add_irqbalance(tree, "");
  const auto told = [&](std::string variables) {
    std::ranges::replace(variables, ' ', '\0');
    tree.file("/proc/812/environ", variables + '\0');
    const auto found = find_meddlers(tree.sysfs(), kDrivers).at(0);
    return found.banned_cpus.to_list() + " " + found.banned_by;
  };
  CHECK(told("HOME=/") == "4-6 ");
  CHECK(told("IRQBALANCE_BANNED_CPULIST=2-3") == "2-3 IRQBALANCE_BANNED_CPULIST");
  CHECK(told("IRQBALANCE_BANNED_CPULIST=") == " IRQBALANCE_BANNED_CPULIST");
  CHECK(told("IRQBALANCE_BANNED_CPUS=c IRQBALANCE_BANNED_CPULIST=7") ==
        "2-3 IRQBALANCE_BANNED_CPUS");
  CHECK(told("IRQBALANCE_BANNED_CPUS=") == "4-6 ");
  CHECK(told("IRQBALANCE_BANNED_CPUS= IRQBALANCE_BANNED_CPULIST=7") ==
        "7 IRQBALANCE_BANNED_CPULIST");
}

TEST_CASE("meddlers: CPU lists that irqbalance cannot read", "[read]") {
  test::FakeTree tree{{"/sys/devices/system/cpu/isolated", "4-5\n"}};
  add_irqbalance(tree, "");
  const auto [variable, readable, banned] = GENERATE(table<std::string, bool, std::string>({
      {"IRQBALANCE_BANNED_CPULIST=2-3 6", false, ""},
      {"IRQBALANCE_BANNED_CPULIST=0-7:2/4", false, ""},
      {"IRQBALANCE_BANNED_CPULIST=none", false, ""},
      {"IRQBALANCE_BANNED_CPULIST=2-3,6", true, "2-3,6"},
      {"IRQBALANCE_BANNED_CPULIST=", true, ""},
      {"IRQBALANCE_BANNED_CPUS=0xc3c", false, ""},
      {"IRQBALANCE_BANNED_CPUS=none", false, ""},
      {"IRQBALANCE_BANNED_CPUS=0", true, ""},
      {"IRQBALANCE_BANNED_CPUS=c3c", true, "2-5,10-11"},
  }));
  CAPTURE(variable);
  tree.file("/proc/812/environ", variable + '\0');
  const auto found = find_meddlers(tree.sysfs(), kDrivers).at(0);
  CHECK(found.banned_readable == readable);
  CHECK(found.banned_cpus.to_list() == banned);
  CHECK_FALSE(found.banned_by.empty());
}

TEST_CASE("meddlers: irqbalance's file is the last one that its unit names", "[read]") {
  test::FakeTree tree{{"/etc/sysconfig/irqbalance", ""},
                      {"/lib/systemd/system/irqbalance.service",
                       "[Service]\nEnvironmentFile=-/usr/lib/irqbalance/defaults.env\n"
                       "EnvironmentFile=-/etc/conf.d/irqbalance\n"}};
  add_irqbalance(tree, "");
  CHECK(find_meddlers(tree.sysfs(), kDrivers).at(0).config == "/etc/conf.d/irqbalance");
}

TEST_CASE("meddlers: irqbalance's file, named by a drop-in", "[read]") {
  test::FakeTree tree{{"/lib/systemd/system/irqbalance.service",
                       "[Service]\nEnvironmentFile=-/etc/default/irqbalance\n"}};
  add_irqbalance(tree, "");
  const auto config = [&] { return find_meddlers(tree.sysfs(), kDrivers).at(0).config; };
  const std::string folder = "systemd/system/irqbalance.service.d/";
  tree.file("/lib/" + folder + "10-a.conf", "[Service]\nEnvironmentFile=-/etc/a\n");
  CHECK(config() == "/etc/a");
  tree.file("/etc/" + folder + "20-b.conf",
            "[Service]\nEnvironmentFile=\nEnvironmentFile=\"-/etc/b\"\n");
  CHECK(config() == "/etc/b");
  tree.file("/etc/" + folder + "10-a.conf", "[Service]\nEnvironmentFile=-/etc/c\n");
  CHECK(config() == "/etc/b");  // Names decide, not folders.
  tree.file("/etc/" + folder + "20-b.conf", "");
  CHECK(config() == "/etc/c");  // In the place of the other of its name.
  tree.file("/etc/" + folder + "30-d.txt", "[Service]\nEnvironmentFile=-/etc/d\n");
  CHECK(config() == "/etc/c");
}

TEST_CASE("meddlers: continued lines, and what the unit itself sets", "[read]") {
  test::FakeTree tree{{"/lib/systemd/system/irqbalance.service",
                       "[Service]\nEnvironment=A=1 \"IRQBALANCE_BANNED_CPULIST=2-5\"\n"
                       "EnvironmentFile=-/etc/default/irqbalance\n"}};
  add_irqbalance(tree, "");
  const auto found = [&] { return find_meddlers(tree.sysfs(), kDrivers).at(0); };
  CHECK(found().banned_cpus.to_list() == "2-5");
  tree.file("/etc/default/irqbalance", "IRQBALANCE_BANNED_CPULIST=6-7\n");
  CHECK(found().banned_cpus.to_list() == "6-7");
  tree.file("/etc/default/irqbalance", "IRQBALANCE_ARGS=\"--powerthresh=3 \\\n  -t 5\"\n");
  CHECK(has_line(found(), "IRQBALANCE_ARGS=\"--powerthresh=3    -t 5 --banmod=vfio\""));
}

TEST_CASE("meddlers: what irqbalance is told stands in its file where the process is silent",
          "[read]") {
  test::FakeTree tree;
  add_irqbalance(tree, "");
  tree.file("/etc/default/irqbalance", "#IRQBALANCE_BANNED_CPUS=\nIRQBALANCE_BANNED_CPULIST=2-3\n");
  const auto found = find_meddlers(tree.sysfs(), kDrivers).at(0);
  CHECK(found.banned_cpus.to_list() == "2-3");
  CHECK(found.config == "/etc/default/irqbalance");
}

TEST_CASE("meddlers: CRI-O and the file that it writes", "[read]") {
  test::FakeTree tree{{"/proc/9/comm", "crio\n"}};
  CHECK(find_meddlers(tree.sysfs(), kDrivers).at(0).config == "/etc/sysconfig/irqbalance");
  tree.file("/etc/crio/crio.conf.d/10-irq.conf",
            "[crio.runtime]\nirqbalance_config_file = \"/etc/default/irqbalance\"\n");
  const auto found = find_meddlers(tree.sysfs(), kDrivers).at(0);
  CHECK(found.name == "crio");
  CHECK(found.config == "/etc/default/irqbalance");
  CHECK_FALSE(found.would_undo);
}

TEST_CASE("meddlers: google-guest-agent unless it was told not to", "[read]") {
  test::FakeTree tree{{"/proc/9/comm", "google_guest_ag\n"}};
  CHECK(has_line(find_meddlers(tree.sysfs(), kDrivers).at(0), "set_multiqueue = false"));
  tree.file("/etc/default/instance_configs.cfg", "[InstanceSetup]\nset_multiqueue = false\n");
  CHECK(find_meddlers(tree.sysfs(), kDrivers).at(0).advice.empty());
}

}  // namespace irqtune
