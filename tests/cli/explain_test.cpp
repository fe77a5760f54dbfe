// SPDX-License-Identifier: Apache-2.0
#include "irqtune/cli/cli.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"

#include <nlohmann/json.hpp>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

Ran explain(const std::string& target, bool json = false) {
  std::vector<std::string> arguments{"--root", capture_file("two-vms").string(), "explain", target};
  if (json) {
    arguments.emplace_back("--json");
  }
  return run(arguments);
}

Json explained(const std::string& target, const std::string& what) {
  const auto ran = explain(target, true);
  INFO(target << ": " << ran.err);
  REQUIRE(ran.code == 0);
  const auto document = Json::parse(ran.out);
  CHECK(document["schema"] == "irqtune.explain/1");
  REQUIRE(document.contains(what));
  return document[what];
}

bool says(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("cli: explain a vector by its IRQ or by its place in the device", "[cli][explain]") {
  const auto by_irq = explain("75");
  CHECK(by_irq.code == 0);
  CHECK(by_irq.out.starts_with("IRQ 75, 0000:24:00.0 msix/1 of vm1: goes to cpu0\n"));
  CHECK(says(by_irq.out, "<- chosen"));
  CHECK(says(by_irq.out, "cpu2: vCPU 0 of vm1"));
  for (const auto* place : {"0000:24:00.0/1", "24:00.0/1", "0000:24:00.0/msix/1"}) {
    CAPTURE(place);
    CHECK(explain(place).out == by_irq.out);
  }
  const auto vector = explained("0000:24:00.0/1", "vector");
  CHECK(vector["assignment"]["irq"] == 75);
  CHECK(vector["candidates"][0]["chosen"] == true);
  CHECK(vector["rejected"][0]["cpu"] == 2);
  CHECK_FALSE(vector["why"].empty());
}

TEST_CASE("cli: explain a device, all its vectors", "[cli][explain]") {
  const auto ran = explain("24:00.0");
  CHECK(ran.code == 0);
  CHECK(ran.out.starts_with("0000:24:00.0 of vm1, node 0: 5 vectors\n"));
  const auto device = explained("24:00.0", "device");
  CHECK(device["vm"] == "vm1");
  CHECK(device["vectors"].size() == 5);
}

TEST_CASE("cli: explain a CPU, protected or not", "[cli][explain]") {
  CHECK(says(explain("cpu2").out, "vCPU 0 of vm1"));
  const auto pinned = explained("cpu2", "cpu");
  CHECK(pinned["housekeeping"] == false);
  CHECK(pinned["rules"][0] == "cpu2: vCPU 0 of vm1 (process)");
  CHECK(pinned["after"].empty());
  const auto free = explained("cpu6", "cpu");
  CHECK(free["housekeeping"] == true);
  CHECK(free["rules"].empty());
  CHECK_FALSE(free["after"].empty());
}

TEST_CASE("cli: explain what is not there is exit code 2, one line and a hint", "[cli][explain]") {
  struct Row {
    const char* target;
    const char* what;
  };

  const auto row = GENERATE(Row{"9999", "this host has no such interrupt"},
                            Row{"0000:99:00.0", "no vector of it is in the plan"},
                            Row{"0000:24:00.0/99", "the device has no such vector"},
                            Row{"0000:24:00.0/msi/1", "the device has no such vector"},
                            Row{"cpu99", "this host has no such CPU"},
                            Row{"cpu", "this host has no such CPU"},
                            Row{"nonsense", "neither an IRQ, a PCI address nor a CPU"});
  const auto ran = explain(row.target);
  INFO(ran.err);
  CHECK(ran.code == 2);
  CHECK(ran.out.empty());
  CHECK(ran.err.starts_with("irqtune: explain " + std::string(row.target) + ": " + row.what +
                            "\nhint: "));
}

}  // namespace irqtune::test
