// SPDX-License-Identifier: Apache-2.0
// What CONTRACT promises of a whole command, on small trees that once broke it.
#include "support/captured_host.h"
#include "support/catch.h"
#include "support/cpu_tree.h"
#include "support/vfio_tree.h"

#include <nlohmann/json.hpp>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

/// Runs a command with --root and --json, and gives its document.
Json document(const FakeTree& tree, std::vector<std::string> arguments, int code = 0) {
  arguments.insert(arguments.begin(), {"--root", tree.root().string(), "--json"});
  const auto ran = run(arguments);
  INFO(ran.err);
  REQUIRE(ran.code == code);
  return Json::parse(ran.out);
}

}  // namespace

TEST_CASE("contract: a given budget counts the host's own interrupts too", "[cli][contract]") {
  FakeTree tree{
      {"/proc/interrupts",
       "      CPU0  CPU1\n"
       "  9:     5     0  IR-IO-APIC  9-fasteoi  acpi\n"
       " 30:     0     0  IR-PCI-MSIX-0000:3b:00.0  0-edge  vfio-msix[0](0000:3b:00.0)\n"},
      {"/sys/devices/system/cpu/online", "0-1"},
      {"/proc/irq/9/smp_affinity_list", "0"},
      {"/proc/irq/30/smp_affinity_list", "0-1"},
      {"/proc/irq/30/effective_affinity_list", "0"}};
  add_cpu(tree, 0, 0, 0, "0");
  add_cpu(tree, 1, 0, 1, "1");
  const auto plan = document(tree, {"plan", "--max-vectors-per-cpu", "1"});
  CHECK(plan["assignments"][0]["to"] == "1");
  const auto explained = document(tree, {"explain", "30", "--max-vectors-per-cpu", "1"});
  CHECK(explained["vector"]["assignment"]["to"] == "1");
}

}  // namespace irqtune::test
