// SPDX-License-Identifier: Apache-2.0
#include "read/settings/config_lines.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"

#include <fmt/format.h>

#include <string>

namespace irqtune {

namespace {

/// "/etc/rc.local:2 /etc/cron.d/irq:1": where there is a line of interest.
std::string places(const test::FakeTree& tree) {
  std::string text;
  for (const auto& line : read_config_lines(tree.sysfs())) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", line.file, line.line);
  }
  return text;
}

}  // namespace

TEST_CASE("config lines: which lines bear on interrupts", "[read]") {
  const auto [line, topic] = GENERATE(table<std::string, std::optional<ConfigTopic>>({
      {"echo 3 > /proc/irq/55/smp_affinity", ConfigTopic::irq_affinity},
      {"echo 0-1 | tee /proc/irq/55/smp_affinity_list", ConfigTopic::irq_affinity},
      {"/opt/intel/set_irq_affinity local eth0", ConfigTopic::irq_affinity},
      {"mlnx_affinity start", ConfigTopic::irq_affinity},
      {"cat /proc/irq/55/smp_affinity", std::nullopt},
      {"grep . /proc/irq/*/smp_affinity > /tmp/masks 2>/dev/null", std::nullopt},
      {"cat /proc/irq/default_smp_affinity >> /var/log/x; true", std::nullopt},
      {"for f in /proc/irq/*/smp_affinity; do echo 3 > $f; done", ConfigTopic::irq_affinity},
      {"for i in 5 6; do echo 3 >\"/proc/irq/$i/smp_affinity\"; done", ConfigTopic::irq_affinity},
      {"# echo 3 > /proc/irq/55/smp_affinity", std::nullopt},
      {"; net.core.netdev_budget = 60000", std::nullopt},
      {"net.core.netdev_budget = 60000", ConfigTopic::netdev_budget},
      {"net.core.netdev_budget_usecs = 8000", std::nullopt},
      {"OPTIONS=\"--numa_aware\"", ConfigTopic::numa_aware},
      {"ethtool -X eth0 hkey", ConfigTopic::ethtool_hash},
      {"ethtool -L eth0 combined 8", std::nullopt},
      {"irqtune apply; cat x > /proc/irq/5/smp_affinity", std::nullopt},
      {"", std::nullopt},
  }));
  CAPTURE(line);
  CHECK(topic_of("/etc/rc.local", line) == topic);
}

TEST_CASE("config lines: of units only what they run, of .link files only affinity", "[read]") {
  const std::string line = "echo 3 > /proc/irq/55/smp_affinity";
  CHECK_FALSE(topic_of("/etc/systemd/system/a.service", "Description=" + line));
  CHECK(topic_of("/etc/systemd/system/a.service", "ExecStart=sh -c '" + line + "'"));
  CHECK(topic_of("/etc/systemd/network/a.link", "IRQAffinityPolicy=spread") == ConfigTopic::link);
  CHECK_FALSE(topic_of("/etc/systemd/network/a.link", "MTUBytes=9000"));
}

TEST_CASE("config lines: where they are, by file and line", "[read]") {
  const test::FakeTree tree{
      {"/etc/rc.local", "#!/bin/sh\necho 3 > /proc/irq/9/smp_affinity\nexit 0\n"},
      {"/etc/cron.d/irq", "@reboot root /usr/sbin/set_irq_affinity eth0\n"},
      {"/etc/sysctl.d/90-net.conf", "\n\nnet.core.netdev_budget=60000\n"},
      {"/etc/sysctl.d/README", "net.core.netdev_budget=60000\n"},
      {"/etc/systemd/network/10-nic.link", "[Link]\nIRQAffinityPolicy=spread\n"}};
  CHECK(places(tree) ==
        "/etc/cron.d/irq:1 /etc/rc.local:2 /etc/sysctl.d/90-net.conf:3 "
        "/etc/systemd/network/10-nic.link:2");
  CHECK(read_config_lines(tree.sysfs()).at(1).text == "echo 3 > /proc/irq/9/smp_affinity");
}

TEST_CASE("config lines: interfaces, vendors' udev rules, and .link files that others hide",
          "[read]") {
  const test::FakeTree tree{
      {"/etc/network/interfaces", "iface eth0 inet dhcp\n  post-up /sbin/set_irq_affinity eth0\n"},
      {"/usr/lib/udev/rules.d/60-nic.rules", "RUN+=\"/sbin/set_irq_affinity %k\"\n"},
      {"/etc/systemd/network/10-nic.link", "[Link]\nName=wan0\n"},
      {"/run/systemd/network/20-lan.link", "[Link]\nIRQAffinityPolicy=single\n"},
      {"/usr/lib/systemd/network/10-nic.link", "[Link]\nIRQAffinityPolicy=spread\n"},
      {"/usr/lib/systemd/network/20-lan.link", "[Link]\nIRQAffinityPolicy=spread\n"}};
  CHECK(places(tree) ==
        "/etc/network/interfaces:2 /run/systemd/network/20-lan.link:2 "
        "/usr/lib/udev/rules.d/60-nic.rules:1");
}

TEST_CASE("config lines: scripts that a unit runs are looked into", "[read]") {
  test::FakeTree tree{
      {"/etc/systemd/system/pin.service",
       "[Service]\nExecStart=/usr/local/sbin/pin.sh --all\nExecStop=/usr/local/sbin/other.sh\n"},
      {"/usr/local/sbin/pin.sh", "#!/bin/sh\n\necho 3 > /proc/irq/9/smp_affinity\n"},
      {"/usr/local/sbin/other.sh", "#!/bin/sh\ntrue\n"}};
  CHECK(places(tree) == "/etc/systemd/system/pin.service:2 /usr/local/sbin/pin.sh:3");
}

TEST_CASE("config lines: big files, binaries and long lists are left alone", "[read]") {
  const std::string line = "echo 3 > /proc/irq/9/smp_affinity\n";
  test::FakeTree tree{{"/etc/cron.d/big", line + std::string(70000, '#')},
                      {"/etc/cron.d/binary", line + std::string(1, '\0')},
                      {"/etc/cron.d/many", line + line + line + line + line}};
  CHECK(places(tree) == "/etc/cron.d/many:1 /etc/cron.d/many:2 /etc/cron.d/many:3");
}

TEST_CASE("config lines: a script is judged as a whole", "[read]") {
  const auto [text, found] = GENERATE(table<std::string, std::string>({
      {"for f in /proc/irq/*/smp_affinity_list; do\n  echo 2-5 > \"$f\"\ndone\n", "2 3"},
      {"find /proc/irq -name smp_affinity | while read -r f\ndo echo f > ${f}; done\n", "2 3"},
      {"set_mask() {\n echo $2 > $1\n}\nset_mask /proc/irq/9/smp_affinity 3\n", "3 5"},
      {"p = f'/proc/irq/{n}/smp_affinity'\nwith open(p, 'w') as f:\n  f.write(mask)\n", "2 4"},
      {"f=/proc/irq/9/smp_affinity\ncp /etc/mask $f\n", "2 3"},
      {"f=/proc/irq/9/smp_affinity\necho 3 | dd of=$f\n", "2 3"},
      {"ls /proc/irq/*/smp_affinity | xargs -I{} sh -c 'echo 3 > {}'\n", "2"},
      {"find /proc/irq -name smp_affinity -exec sh -c 'echo 3 > {}' \\;\n", "2"},
      {"awk '/eth0/ { print 3 > \"/proc/irq/\" $1 \"/smp_affinity\" }' list\n", "2"},
      {"open(my $f, '>', \"/proc/irq/$n/smp_affinity\");\nprint $f '3';\n", "2"},
      {"fs.writeFileSync(`/proc/irq/${n}/smp_affinity`, '3')\n", "2"},
      {"ls /proc/irq/*/smp_affinity | xargs -I{} sh -c 'cat {} > /tmp/{}'\n", ""},
      {"open(my $f, '<', \"/proc/irq/$n/smp_affinity\");\n", ""},
      {"tuna -q eth0 -c 2-3 -m\n", "2"},
      {"/usr/bin/tuna isolate --cpus 2-3\n", "2"},
      {"sh -c 'tuna --cpus=2-3 --isolate'\n", "2"},
      {"tuna move --irqs=eth0 --cpus=0-1\n", "2"},
      {"tuna --show_irqs\n", ""},
      {"tuna -q eth0 --show_irqs\n", ""},
      {"tuna --threads=qemu* --cpus=2-3 --move\n", ""},
      {"log=/var/log/masks\ncat /proc/irq/*/smp_affinity > $log\n", ""},
      {"log=\"/var/log/irq\"; cat /proc/irq/*/smp_affinity > ${log}\n", ""},
      {"dir=/var/backup\nfor i in /proc/irq/*; do\n"
       "  cat $i/smp_affinity > \"$dir/$(basename $i)\"\ndone\n",
       ""},
      {"log=$(mktemp)\ncat /proc/irq/9/smp_affinity >> $log\n", ""},
      {"log=$HOME/masks\ncat /proc/irq/9/smp_affinity > $log\n", ""},
      {"d=/var/tmp\nlog=$d/masks\ncat /proc/irq/9/smp_affinity | tee -a $log\n", ""},
      {"cat /proc/irq/9/smp_affinity | tee /tmp/masks\n", ""},
      {"cp /proc/irq/9/smp_affinity /tmp/mask\n", ""},
      {"cat /tmp/mask > $1/smp_affinity\n", "2"},
      {"d=/proc/irq/9\ncat /tmp/mask > $d/smp_affinity\n", "3"},
      {"n=smp_affinity\ncd /proc/irq/9 && echo 3 > $n\n", "2 3"},
      {"cat /proc/irq/*/smp_affinity\necho done > /tmp/x\n", ""},
      {"# /proc/irq/9/smp_affinity\necho 3 > $f\n", ""},
  }));
  CAPTURE(text);
  test::FakeTree tree{{"/etc/rc.local", "#!/bin/sh\n" + text}};
  std::string numbers;
  for (const auto& line : read_config_lines(tree.sysfs())) {
    numbers += fmt::format("{}{}", numbers.empty() ? "" : " ", line.line);
  }
  CHECK(numbers == found);

  // The same without names.
  std::string anonymous;
  std::size_t last = 0;
  for (const auto& line : read_config_lines(tree.sysfs())) {
    anonymous += std::string(line.line - last - 1, '\n') + anonymous_config_line(line.text) + "\n";
    last = line.line;
  }
  tree.file("/etc/rc.local", anonymous);
  CHECK(read_config_lines(tree.sysfs()).empty() == found.empty());
}

TEST_CASE("config lines: places where vendors and administrators put them", "[read]") {
  const auto place = GENERATE(as<std::string>{},
                              "/sbin/ifup-local",
                              "/etc/networkd-dispatcher/routable.d/50-irq",
                              "/etc/init.d/irq",
                              "/etc/local.d/irq.start",
                              "/etc/tuned/mine/script.sh",
                              "/etc/cron.weekly/irq",
                              "/etc/network/if-pre-up.d/irq",
                              "/usr/lib/NetworkManager/dispatcher.d/50-irq",
                              "/usr/lib/networkd-dispatcher/routable.d/50-irq",
                              "/lib/systemd/system-sleep/irq",
                              "/usr/lib/systemd/system-sleep/irq");
  const test::FakeTree tree{{place, "#!/bin/sh\necho 3 > /proc/irq/9/smp_affinity\n"}};
  CHECK(places(tree) == place + ":2");
  CHECK(is_scanned_place(place));
}

TEST_CASE("config lines: where /lib is a link each file is told once", "[read]") {
  test::FakeTree tree{{"/usr/lib/systemd/system-sleep/irq", "echo 3 > /proc/irq/9/smp_affinity\n"}};
  tree.link("/lib", "usr/lib");
  CHECK(places(tree) == "/usr/lib/systemd/system-sleep/irq:1");
}

TEST_CASE("config lines: drop-ins of units and links, vendors' units", "[read]") {
  const std::string run = "ExecStart=/bin/sh -c 'echo 3 > /proc/irq/9/smp_affinity'\n";
  const test::FakeTree tree{
      {"/etc/systemd/system/a.service.d/irq.conf", "[Service]\n" + run},
      {"/etc/systemd/network/10-a.link.d/irq.conf", "[Link]\nIRQAffinityPolicy=single\n"},
      {"/usr/lib/systemd/system/set-irq.service", run}};
  CHECK(places(tree) ==
        "/etc/systemd/network/10-a.link.d/irq.conf:2 /etc/systemd/system/a.service.d/irq.conf:2 "
        "/usr/lib/systemd/system/set-irq.service:1");
}

TEST_CASE("config lines: a unit that runs tuna, without names too", "[read]") {
  const auto run = GENERATE(as<std::string>{},
                            "ExecStart=/usr/bin/tuna isolate --cpus 2-3",
                            "ExecStart=-/usr/bin/tuna --irqs=eth0 --cpus=0 --move",
                            "ExecStart=tuna isolate --cpus 2-3",
                            "ExecStartPost=/bin/sh -c \"tuna -q eth0 -c 2 -m\"");
  CAPTURE(run, anonymous_config_line(run));
  test::FakeTree tree{{"/etc/systemd/system/tune.service", "[Service]\n" + run + "\n"}};
  CHECK(places(tree) == "/etc/systemd/system/tune.service:2");
  const auto anonymous = anonymous_config_line(run);
  CHECK(topic_of("/etc/systemd/system/tune.service", anonymous) == ConfigTopic::irq_affinity);
  CHECK(anonymous.find("eth0") == std::string::npos);
}

TEST_CASE("config lines: of a script the worst, of a .link file all", "[read]") {
  const std::string line = "echo 3 > /proc/irq/9/smp_affinity\n";
  const test::FakeTree tree{
      {"/etc/rc.local",
       line + line + line + line + "for f in /proc/irq/*/smp_affinity; do echo 3 > $f; done\n"},
      {"/etc/systemd/network/a.link",
       "[Link]\nIRQAffinityPolicy=spread\nIRQAffinity=0\nIRQAffinity=1\nIRQAffinity=2\n"}};
  CHECK(
      places(tree) ==
      "/etc/rc.local:1 /etc/rc.local:2 /etc/rc.local:5 /etc/systemd/network/a.link:2 "
      "/etc/systemd/network/a.link:3 /etc/systemd/network/a.link:4 /etc/systemd/network/a.link:5");
}

TEST_CASE("config lines: without names they mean the same", "[read]") {
  const auto [line, anonymous] = GENERATE(table<std::string, std::string>({
      {"/home/alice/set_irq_affinity.sh acme0", "irq_affinity x"},
      {"echo 3 > /proc/irq/55/smp_affinity # for bob", "echo 3 > smp_affinity x x x"},
      {"ethtool -X acme0 hkey", "ethtool -X x hkey"},
      {"sysctl -w net.core.netdev_budget=60000", "x x netdev_budget=60000"},
      {"net.core.netdev_budget = 60000", "netdev_budget = 60000"},
      {"IRQAffinityPolicy=spread", "IRQAffinityPolicy=spread"},
      {"IRQAffinity=0-3,8", "IRQAffinity=0-3,8"},
  }));
  CHECK(anonymous_config_line(line) == anonymous);
  CHECK(topic_of("/etc/x.link", anonymous).has_value() ==
        topic_of("/etc/x.link", line).has_value());
  CHECK(topic_of("/etc/rc.local", anonymous) == topic_of("/etc/rc.local", line));
}

}  // namespace irqtune
