// SPDX-License-Identifier: Apache-2.0
#include "read/settings/tuned.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"

#include <algorithm>
#include <string>

namespace irqtune {

namespace {

/// A host whose active profile is "mine", with this file.
test::FakeTree host_with(const std::string& conf) {
  return {{"/etc/tuned/active_profile", "mine\n"}, {"/etc/tuned/mine/tuned.conf", conf}};
}

/// Does to the host what the advice says, word for word.
void carry_out(const Meddler& meddler, test::FakeTree& tree) {
  std::string conf;
  for (const auto& line : meddler.advice) {
    const bool of_file = &line != &meddler.advice.front() && !line.starts_with("tuned-adm");
    conf += of_file ? line + "\n" : "";
  }
  tree.file(meddler.config, conf);
  tree.file("/etc/tuned/active_profile", "irqtune\n");
}

}  // namespace

TEST_CASE("TuneD: profiles are read as its loader reads them", "[read]") {
  const auto [conf, undoes] = GENERATE(table<std::string, bool>({
      {"[scheduler]\nisolated_cores=2-5\n", true},
      {"[scheduler]\nisolated_cores=\n", false},
      {"[scheduler]\nisolated_cores= # none yet\n", false},
      {"[scheduler]\nisolated_cores=2-5\nirq_process=N\n", false},
      {"[scheduler]\nisolated_cores=2-5\nirq_process=YES\n", true},
      {"[scheduler]\nisolated_cores=2-5\nirq_process=t # as before\n", true},
      {"[scheduler]\nisolated_cores=2-5\nenabled=False\n", false},
      {"[variables]\nisolated_cores=2-5\n", false},
      {"[bootloader]\nisolated_cores=2-5\n", false},
      {"[variables]\nisolated_cores=2-5\n[scheduler]\nisolated_cores=${isolated_cores}\n", true},
      {"[variables]\ncores=\n[scheduler]\nisolated_cores=${cores}\n", false},
      {"[variables]\na=${b}\nb=${a}\n[scheduler]\nisolated_cores=${a}\n", true},
      {"[scheduler]\nisolated_cores: 2-5\n", false},
      {"[scheduler]\n; isolated_cores=2\n# isolated_cores=2\n", false},
      {"[rt]\ntype=scheduler\nisolated_cores=2-5\n", true},
      {"[irq]\naffinity=0\n", true},
      {"[irq]\naffinity=0\nenabled=false\n", false},
      {"[net]\ntype=irq\naffinity=0\n", true},
      {"[net]\ntype=irq\n[irq]\nenabled=false\n", true},
      {"[net]\n# type=irq\n", false},
      {"[sysctl]\nkernel.x=[irq]\n", false},
      {"[main]\ninclude=parent ; x=1\n", true},
      {"[main]\ninclude=other,parent\n", true},
      {"[main]\ninclude=parent\n[variables]\ninclude=/etc/tuned/v.conf\n", true},
      {"[main]\ninclude=parent\n[irq]\nenabled=false\n[scheduler]\nirq_process=F\n", false},
      {"[main]\ninclude=parent\n[irq]\nenabled=false\n[scheduler]\nreplace=true\n", false},
      {"", false},
  }));
  CAPTURE(conf);
  auto tree = host_with(conf);
  tree.file("/usr/lib/tuned/parent/tuned.conf", "[scheduler]\nisolated_cores=2\n[irq]\n");
  CHECK(read_tuned(tree.sysfs(), 7).would_undo == undoes);
}

TEST_CASE("TuneD: the profiles for hosts of VMs, which include variables too", "[read]") {
  const auto cores = GENERATE(as<std::string>{}, "isolated_cores=2-5\n", "# isolated_cores=2\n");
  const test::FakeTree tree{
      {"/etc/tuned/active_profile", "realtime-virtual-host\n"},
      {"/usr/lib/tuned/realtime-virtual-host/tuned.conf",
       "[main]\nsummary=x\ninclude=realtime\n[variables]\n"
       "include = /etc/tuned/realtime-virtual-host-variables.conf\n"
       "isolated_cores = ${isolated_cores}\n[scheduler]\ngroup.ktimersoftd=0:f:3:*:x\n"},
      {"/usr/lib/tuned/realtime/tuned.conf",
       "[main]\ninclude=network-latency\n[scheduler]\nisolated_cores=${isolated_cores}\n"},
      {"/etc/tuned/realtime-virtual-host-variables.conf", "isolated_cores=\n" + cores}};
  CHECK(read_tuned(tree.sysfs(), 7).would_undo == !cores.starts_with('#'));
}

TEST_CASE("TuneD: what is loaded after the active profile, and from where", "[read]") {
  auto tree = host_with("[main]\n");
  tree.file("/etc/tuned/post_loaded_profile", "last\n");
  tree.file("/srv/profiles/last/tuned.conf", "[irq]\n");
  CHECK_FALSE(read_tuned(tree.sysfs(), 7).would_undo);
  tree.file("/etc/tuned/tuned-main.conf",
            "daemon = 1\nprofile_dirs = /usr/lib/tuned,/srv/profiles\n");
  const auto found = read_tuned(tree.sysfs(), 7);
  CHECK(found.would_undo);
  CHECK(found.config == "/srv/profiles/irqtune/tuned.conf");
}

TEST_CASE("TuneD: what is advised, carried out, is the end of it", "[read]") {
  const auto conf = GENERATE(as<std::string>{},
                             "[scheduler]\nisolated_cores=2-5\n",
                             "[irq]\naffinity=0\n",
                             "[net]\ntype=irq\n[irq]\n[rt]\ntype=scheduler\nisolated_cores=2\n",
                             "[main]\ninclude=parent\n");
  auto tree = host_with(conf);
  tree.file("/usr/lib/tuned/parent/tuned.conf", "[x]\ntype=irq\n[scheduler]\nisolated_cores=2\n");
  carry_out(read_tuned(tree.sysfs(), 7), tree);
  CHECK_FALSE(read_tuned(tree.sysfs(), 7).would_undo);

  // The profile beneath it gains a section: the same advice, which never includes itself.
  tree.file("/etc/tuned/mine/tuned.conf", conf + "[more]\ntype=irq\n");
  const auto again = read_tuned(tree.sysfs(), 7);
  REQUIRE(again.would_undo);
  CHECK(std::ranges::find(again.advice, "include=mine") != again.advice.end());
  carry_out(again, tree);
  CHECK_FALSE(read_tuned(tree.sysfs(), 7).would_undo);
}

TEST_CASE("TuneD: profiles that include each other come to an end", "[read]") {
  auto tree = host_with("[main]\ninclude=other\n");
  tree.file("/etc/tuned/other/tuned.conf", "[main]\ninclude=mine,other,../../x\n[irq]\n");
  CHECK(read_tuned(tree.sysfs(), 7).would_undo);
}

}  // namespace irqtune
