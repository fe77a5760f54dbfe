// SPDX-License-Identifier: Apache-2.0
// What CONTRACT promises of a whole command, on small trees that once broke it.
#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/hosts/cpu_tree.h"
#include "support/hosts/vfio_tree.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

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

TEST_CASE("contract: a VM's policy by pattern, and by name, which counts more", "[cli][contract]") {
  const CapturedHost host("two-vms");
  const auto plan =
      document(host, {"plan", "--vm-policy", "vm[12]=leave", "--vm-policy", "vm1=avoid"});
  CHECK(plan["policy"]["vm_policies"] == Json({{"vm1", "avoid"}, {"vm2", "leave"}}));
  for (const auto& row : plan["assignments"]) {
    CAPTURE(row["irq"]);
    CHECK((row["blocked"] == "left") == (row["vm"] == "vm2"));
  }
}

TEST_CASE("contract: check looks at all that was applied", "[cli][contract]") {
  CapturedHost host("two-vms");
  const auto apply_all = document(host, {"apply", "--scope", "evict", "--default-affinity"});
  const auto& results = apply_all["results"];
  const auto is_host_irq = [](const Json& row) {
    return row["vector"].is_null() && !row["irq"].is_null();
  };
  const auto moved = std::find_if(results.begin(), results.end(), is_host_irq);
  REQUIRE(moved != results.end());
  CHECK(document(host, {"check"})["in_place"] == true);

  SECTION("a host interrupt") {
    const auto number = (*moved)["irq"].get<unsigned>();
    host.file(fmt::format("/proc/irq/{}/smp_affinity_list", number), "0-15\n");
    const auto check = document(host, {"check"}, 3);
    REQUIRE(check["drift"].size() == 1);
    CHECK(check["drift"][0]["irq"] == number);
    CHECK(check["drift"][0]["expected"] == (*moved)["to"]);
    CHECK(document(host, {"check", "--vm", "vm1"})["in_place"] == true);
  }
  SECTION("the default affinity") {
    host.file("/proc/irq/default_smp_affinity", "ffff\n");
    const auto check = document(host, {"check"}, 3);
    REQUIRE(check["drift"].size() == 1);
    CHECK(check["drift"][0]["irq"].is_null());
    CHECK(check["drift"][0]["actual"] == "0-15");
  }
  SECTION("a vector of another VM than asked for") {
    host.file("/proc/irq/75/smp_affinity_list", "0-15\n");
    CHECK(document(host, {"check", "--vm", "vm2"})["in_place"] == true);
    CHECK(document(host, {"check", "--vm", "vm1"}, 3)["drift"].size() == 1);
  }
}

TEST_CASE("contract: check wants the default affinity if asked to", "[cli][contract]") {
  CapturedHost host("two-vms");
  document(host, {"apply"});
  CHECK(document(host, {"check"})["in_place"] == true);
  const auto check = document(host, {"check", "--default-affinity"}, 3);
  REQUIRE(check["drift"].size() == 1);
  CHECK(check["drift"][0]["irq"].is_null());
  CHECK(check["drift"][0]["expected"] == document(host, {"plan"})["housekeeping"]);
}

TEST_CASE("contract: a plan file that is not this host's is refused", "[cli][contract]") {
  CapturedHost host("two-vms");
  host.file("/proc/sys/kernel/hostname", "here\n");
  const auto file = (host.root() / "plan.json").string();
  const auto root = host.root().string();
  REQUIRE(run({"--root", root, "plan", "-o", file}).code == 0);
  auto plan = Json::parse(host.text("/plan.json"));
  const auto moves = [](const Json& one) { return one["change"] == true; };
  auto& moved = *std::find_if(plan["assignments"].begin(), plan["assignments"].end(), moves);
  const auto apply = [&](bool force) {
    host.file("/plan.json", plan.dump());
    std::vector<std::string> arguments{"--root", root, "apply", "--dry-run", file};
    if (force) {
      arguments.emplace_back("--force");
    }
    return run(arguments);
  };
  CHECK(apply(false).code == 0);

  SECTION("edited") {
    moved["to"] = plan["housekeeping"];
    CHECK(apply(false).code == 2);
    CHECK(apply(false).err.find("was changed after it was made") != std::string::npos);
    CHECK(apply(true).code == 0);
  }
  SECTION("without a digest") {
    moved["to"] = plan["housekeeping"];
    plan.erase("digest");
    CHECK(apply(false).code == 2);
    CHECK(apply(false).err.find("has no digest") != std::string::npos);
    CHECK(apply(true).code == 0);
  }
  SECTION("of another host") {
    plan["host"]["hostname"] = "elsewhere";
    CHECK(apply(false).code == 2);
    CHECK(apply(false).err.find("was made on elsewhere") != std::string::npos);
    CHECK(apply(true).code == 0);
  }
  SECTION("with a CPU that is not online") {
    moved["to"] = "300";
    CHECK(apply(true).code == 2);
    CHECK(apply(true).err.find("not online") != std::string::npos);
  }
}

}  // namespace irqtune::test
