// SPDX-License-Identifier: Apache-2.0
// A classic ESX host, before and after a remedy.
#include "support/catch.h"
#include "support/run_on.h"

#include <nlohmann/json.hpp>

#include <string>

namespace irqtune::test {

namespace {

using Catch::Contains;
using Json = nlohmann::json;

constexpr auto kBefore =
    "Vector    PCPU 0    PCPU 1    PCPU 2    PCPU 3\n"
    "0x79: 7917 542 3583 8292 <COS irq 16 (PCI level)>, VMK aic79xx\n"
    "0x89: 1212177 0 0 0 COS irq 19 (PCI level), VMK vmnic1\n"
    "0x91: 90997 0 0 0 COS irq 18 (PCI level), VMK vmnic0\n"
    "0x99: 20000 0 0 0 COS irq 20 (PCI level), VMK qla2300\n"
    "0xa1: 30000 0 0 0 COS irq 21 (PCI level), VMK vmnic2\n";

/// vmnic1 is free, vmnic0 as it was, qla2300 in another slot since a boot, vmnic2 is gone.
constexpr auto kAfter =
    "Vector    PCPU 0    PCPU 1    PCPU 2    PCPU 3\n"
    "0x79: 7918 542 3583 8292 <COS irq 16 (PCI level)>, VMK aic79xx\n"
    "0x89: 1212180 54 61 59 <COS irq 19 (PCI level)>, VMK vmnic1\n"
    "0x91: 91000 0 0 0 COS irq 18 (PCI level), VMK vmnic0\n"
    "0xa9: 12 13 0 0 VMK qla2300\n";

Ran diagnosed(const FakeTree& files, Arguments more = {}) {
  Arguments arguments = {"diagnose", "--esx", (files.root() / "after").string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments);
}

}  // namespace

TEST_CASE("esx: what became of each line that was shared", "[cli][esx]") {
  const FakeTree files{{"/before", kBefore}, {"/after", kAfter}};
  const auto before = (files.root() / "before").string();
  const auto text = diagnosed(files, {"--against", before}).out;
  CHECK_THAT(text,
             Contains("0x89, VMK vmnic1: free now, COS irq 19 (PCI level) has left it; 177 "
                      "interrupts since, spread over 4 of 4 PCPUs"));
  CHECK_THAT(text,
             Contains("0x91, VMK vmnic0: still shared with the console; 3 interrupts since, all "
                      "on 1 of 4 PCPUs"));
  CHECK_THAT(text, Contains("0x99, VMK qla2300 (0xa9 now): free now"));
  CHECK_THAT(text, Contains("25 interrupts since, spread over 2 of 4 PCPUs"));
  CHECK_THAT(text, Contains("0xa1, VMK vmnic2: its driver has no line any more"));
  CHECK_THAT(text, !Contains("aic79xx:"));
  CHECK_THAT(text, Contains("0x91 is shared"));  // The findings of now stand below.

  const auto document = Json::parse(diagnosed(files, {"--against", before, "--json"}).out);
  REQUIRE(document["against"].size() == 4);
  CHECK(document["against"][0] == Json{{"vector", 0x89},
                                       {"console", "COS irq 19 (PCI level)"},
                                       {"vmkernel", "VMK vmnic1"},
                                       {"shared", false},
                                       {"vector_now", 0x89},
                                       {"count", 177},
                                       {"pcpus", 4}});
  CHECK(document["against"][3]["vector_now"].is_null());
}

TEST_CASE("esx: --against is of --esx, and of a table", "[cli][esx]") {
  const FakeTree files{{"/before", "nonsense\n"}, {"/after", kAfter}};
  const auto before = (files.root() / "before").string();
  check_refused(diagnosed(files, {"--against", before}), 2, "no table of interrupts");
  check_refused(run({"diagnose", "--against", before}), 2, "--esx");
}

TEST_CASE("esx: the advice in full", "[cli][esx]") {
  const FakeTree files{{"/after", kBefore},
                       {"/console", "           CPU0\n 19:    1212177   vmnix-level  usb-uhci\n"}};
  const auto console = (files.root() / "console").string();
  const auto document = Json::parse(diagnosed(files, {"--esx-console", console, "--json"}).out);
  std::string remedy;
  for (const auto& step : document["findings"][0]["remedy"]) {
    remedy += step.get<std::string>() + "\n";
  }
  for (const auto* const part : {"remote-access card",
                                 "in the BIOS, which is preferred",
                                 "USB 1.1",
                                 "rmmod usb-uhci",
                                 "is moved and not disabled",
                                 "look at all controllers again",
                                 "ESXi instead of ESX",
                                 "--get /Irq/IRQNumHostPend",
                                 "--set 1 /Irq/IRQNumHostPend",
                                 "The console's real interrupts"}) {
    CAPTURE(part);
    CHECK_THAT(remedy, Contains(part));
  }
  CHECK(remedy.find("vendor") < remedy.find("BIOS"));
  CHECK(remedy.find("BIOS") < remedy.find("rmmod"));
  CHECK(remedy.find("--get") < remedy.find("--set"));
}

TEST_CASE("esx: a busy line of the console alone is a note", "[cli][esx]") {
  const FakeTree files{{"/after",
                        "Vector    PCPU 0    PCPU 1\n"
                        "0x21: 900000 0 COS irq 0 (ISA edge)\n"
                        "0x71: 40000 0 COS irq 14 (ISA edge)\n"
                        "0x79: 40 0 COS irq 15 (ISA edge)\n"
                        "0x81: 80000 0 <COS irq 17 (PCI level)>\n"
                        "0x89: 40000 900 VMK vmnic1\n"}};
  const auto document = Json::parse(diagnosed(files, {"--json"}).out);
  REQUIRE(document["findings"].size() == 1);
  CHECK(document["findings"][0]["id"] == "esx-console-busy");
  CHECK(document["findings"][0]["severity"] == "info");
  CHECK(document["findings"][0]["evidence"] ==
        Json::array({"0x71: COS irq 14 (ISA edge): 40000 interrupts"}));
}

}  // namespace irqtune::test
