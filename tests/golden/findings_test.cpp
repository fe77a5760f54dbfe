// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/ids.h"

#include "support/catch.h"
#include "support/golden.h"
#include "support/hosts/hurt_hosts.h"
#include "support/hosts/kvm_tree.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

// Each finding on a tree that has it, through the whole program, and its absence on the healthy
// twin.

namespace irqtune::test {

namespace {

std::vector<std::string> ids_of(const Ran& ran) {
  std::vector<std::string> ids;
  const auto document = nlohmann::json::parse(ran.out);
  for (const auto& finding : document["findings"]) {
    ids.push_back(finding["id"]);
  }
  return ids;
}

}  // namespace

TEST_CASE("findings: the healthy host has none, and says so in one line", "[golden][findings]") {
  KvmTree tree;
  tree.write();
  const auto ran = on(tree, {"diagnose"});
  CHECK(ran.code == 0);
  CHECK(ran.out ==
        "Nothing hurts on this host (13 interrupts, 4 passthrough vectors, 2 VMs looked at).\n");
  CHECK(ran.err.empty());
}

TEST_CASE("findings: each alone on a host that is healthy but for it", "[golden][findings]") {
  for (const auto& [id, hurt] : hurt_hosts()) {
    KvmTree tree;
    hurt(tree);
    tree.write();
    INFO(id);
    CHECK(ids_of(on(tree, {"diagnose", "--json"})) == std::vector{std::string(id)});
    // Of a snapshot, whose commands do not name the directory it lies in.
    const FakeTree out;
    const auto file = (out.root() / "host.tar.gz").string();
    REQUIRE(on(tree, {"snapshot", "-o", file}).code == 0);
    check_golden("findings", fmt::format("{}.txt", id), run({"--root", file, "diagnose"}).out);
  }
}

TEST_CASE("findings: a snapshot of the host shows the same", "[golden][findings]") {
  for (const auto& [id, hurt] : hurt_hosts()) {
    KvmTree tree;
    hurt(tree);
    tree.write();
    const FakeTree out;
    const auto copy = (out.root() / "copy").string();
    INFO(id);
    CHECK(on(tree, {"snapshot", "-o", copy}).code == 0);
    auto ids = ids_of(run({"--root", copy, "diagnose", "--json"}));
    if (id.starts_with("irq-shared-")) {  // A snapshot holds no configuration spaces.
      std::erase(ids, "irq-intx-passthrough");
    }
    CHECK(ids == std::vector{std::string(id)});
  }
}

TEST_CASE("findings: every id has a host that shows it", "[findings]") {
  std::vector<std::string_view> shown = {"esx-irq-shared", "esx-console-busy"};  // Of no host.
  for (const auto& [id, hurt] : hurt_hosts()) {
    shown.push_back(id);
  }
  std::vector<std::string_view> known(kFindingIds.begin(), kFindingIds.end());
  std::ranges::sort(shown);
  std::ranges::sort(known);
  CHECK(shown == known);
}

TEST_CASE("findings: classic ESX before the remedy, with the console's table, and after",
          "[golden][findings][esx]") {
  const FakeTree files{{"/before",
                        "Vector    PCPU 0    PCPU 1    PCPU 2    PCPU 3\n"
                        "0x69: 3 0 0 0 COS irq 9 (ISA edge)\n"
                        "0x79: 7917 542 3583 8292 <COS irq 16 (PCI level)>, VMK aic79xx\n"
                        "0x81: 1544 0 0 0 COS irq 17 (PCI level), VMK aic79xx\n"
                        "0x89: 1212177 0 0 0 COS irq 19 (PCI level), VMK vmnic1\n"
                        "0x91: 90997 0 0 0 COS irq 18 (PCI level), VMK vmnic0\n"
                        "0x99: 152 0 0 0 <COS irq 20 (PCI level)>, VMK qla2300\n"},
                       {"/after",
                        "Vector    PCPU 0    PCPU 1    PCPU 2    PCPU 3\n"
                        "0x69: 3 0 0 0 COS irq 9 (ISA edge)\n"
                        "0x79: 7917 542 3583 8292 <COS irq 16 (PCI level)>, VMK aic79xx\n"
                        "0x81: 1544 811 902 1011 <COS irq 17 (PCI level)>, VMK aic79xx\n"
                        "0x89: 1212177 54120 61722 59919 <COS irq 19 (PCI level)>, VMK vmnic1\n"
                        "0x91: 90997 20121 19433 21088 <COS irq 18 (PCI level)>, VMK vmnic0\n"
                        "0x99: 152 33 41 27 <COS irq 20 (PCI level)>, VMK qla2300\n"},
                       {"/console",
                        "           CPU0\n"
                        "  0:   21032567    vmnix-edge  timer\n"
                        " 18:      90997   vmnix-level  usb-uhci\n"
                        " 19:    1212177   vmnix-level  usb-uhci\n"
                        "NMI:          0\n"}};
  const auto diagnose = [&](const std::string& table, bool with_console) {
    std::vector<std::string> arguments = {"diagnose", "--esx", (files.root() / table).string()};
    if (with_console) {
      arguments.insert(arguments.end(), {"--esx-console", (files.root() / "console").string()});
    }
    return run(arguments);
  };
  check_golden("findings", "esx-irq-shared.txt", diagnose("before", false).out);
  check_golden("findings", "esx-irq-shared-console.txt", diagnose("before", true).out);
  for (const bool with_console : {false, true}) {
    CHECK(diagnose("after", with_console).out ==
          "Nothing hurts on this host (6 interrupt lines looked at).\n");
  }
}

}  // namespace irqtune::test
