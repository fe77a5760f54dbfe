// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/cpu_set.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

std::string mask_file(const Json& assignment) {
  return "/proc/irq/" + assignment["irq"].dump() + "/smp_affinity_list";
}

Json check_of(const FakeTree& host, int code) {
  const auto ran = on(host, {"check", "--json"});
  INFO(ran.out);
  REQUIRE(ran.code == code);
  return Json::parse(ran.out);
}

}  // namespace

TEST_CASE("check: a vector that someone moved to another good CPU is no drift", "[cli][check]") {
  CapturedHost host("two-vms");
  const auto plan = Json::parse(on(host, {"plan", "--json"}).out);
  REQUIRE(on(host, {"apply"}).code == 0);
  // Two that are alike take each other's place: the balance stays as it was.
  const auto& all = plan["assignments"];
  const auto found = std::ranges::adjacent_find(all, [](const Json& one, const Json& next) {
    return one["vector"]["device"] == next["vector"]["device"] && one["role"] == next["role"] &&
           one["role"] == "primary" && one["to"] != next["to"];
  });
  REQUIRE(found != all.end());
  const auto& next = *std::next(found);
  host.file(mask_file(*found), next["to"].get<std::string>() + '\n');
  host.file(mask_file(next), (*found)["to"].get<std::string>() + '\n');
  REQUIRE(on(host, {"apply", "--dry-run"}).out.starts_with("Dry run: 0 "));

  const auto check = check_of(host, 0);
  CHECK(check["in_place"] == true);
  CHECK(check["drift"].empty());
  REQUIRE(check["moved"].size() == 2);
  CHECK(check["moved"][0]["expected"] == (*found)["to"]);
  CHECK(check["moved"][0]["actual"] == next["to"]);
  CHECK(check["failed"].empty());
  const auto text = on(host, {"check"});
  CHECK(text.code == 0);
  CHECK_THAT(text.out, Catch::Contains("2 masks moved since the apply, to CPUs that are as good"));
}

TEST_CASE("check: what no apply with the same options would change says how to end it",
          "[cli][check]") {
  CapturedHost host("two-vms");
  REQUIRE(on(host, {"apply", "--default-affinity"}).code == 0);
  host.file("/proc/irq/default_smp_affinity", "ffff\n");
  const auto drifted = on(host, {"check"});
  CHECK(drifted.code == 3);
  CHECK_THAT(drifted.out,
             Catch::Contains("The default mask is put right with: ") &&
                 Catch::Contains(" apply --repair --default-affinity\n"));
  const auto same = on(host, {"check", "--default-affinity"});
  CHECK(same.code == 3);
  CHECK_THAT(same.out, Catch::Contains(" apply --default-affinity\n"));
  REQUIRE(on(host, {"apply", "--default-affinity"}).code == 0);
  CHECK(on(host, {"check", "--default-affinity"}).code == 0);
}

TEST_CASE("check: what an earlier apply set counts as long as it is not put back", "[cli][check]") {
  CapturedHost host("two-vms");
  const std::string mask = "/proc/irq/default_smp_affinity";
  REQUIRE(on(host, {"apply", "--default-affinity", "--vm", "vm1"}).code == 0);
  const auto applied = host.sysfs().read(mask).value_or("");
  REQUIRE(on(host, {"apply"}).code == 0);  // The other VM's vectors
  CHECK(check_of(host, 0)["drift"].empty());
  host.file(mask, "ffff\n");
  CHECK(check_of(host, 3)["drift"][0]["actual"] == "0-15");
  host.file(mask, applied + "\n");
  REQUIRE(on(host, {"rollback"}).code == 0);
  CHECK(check_of(host, 3)["drift"][0]["vm"] == "vm3");
  REQUIRE(on(host, {"rollback"}).code == 0);
  CHECK(on(host, {"check", "--device", "0000:99:*"}).code != 0);
}

TEST_CASE("check: places that are not known of vectors that a plan would write are drift",
          "[cli][check]") {
  const FakeTree tree{
      {"/sys/devices/system/cpu/online", "0-1\n"},
      {"/proc/interrupts",
       "           CPU0       CPU1\n"
       " 40:          1          2 IR-PCI-MSIX-0000:21:00.0 0-edge vfio-msix[0](0000:21:00.0)\n"
       " 41:          1          2 IR-PCI-MSIX-0000:21:00.0 1-edge vfio-msix[1](0000:21:00.0)\n"}};
  for (const auto& arguments : {Arguments{"check"}, {"check", "--default-affinity"}}) {
    const auto ran = on(tree, arguments);
    CHECK(ran.code == 3);
    CHECK_THAT(ran.err, Catch::Contains("warning: the masks of 2 vectors could not be read"));
  }
  const auto check = check_of(tree, 3);
  CHECK(check["drift"].size() == 2);
  CHECK(check["unknown"] == 2);
  CHECK(check["devices"][0]["unknown"] == 2);
  // Nobody would write them here.
  const auto left = on(tree, {"check", "--policy", "leave"});
  CHECK(left.code == 0);
  CHECK(left.out == "In place as far as is known: 2 vectors, 2 of them on unknown CPUs.\n");
}

TEST_CASE("apply --repair does what check names, and nothing else", "[cli][check][apply]") {
  CapturedHost host("two-vms");
  const auto plan = Json::parse(on(host, {"plan", "--json"}).out);
  REQUIRE(on(host, {"apply", "--default-affinity"}).code == 0);
  CHECK(on(host, {"apply", "--repair", "--dry-run", "--detailed-exitcode"}).code == 0);
  const auto idle = on(host, {"apply", "--repair"});
  CHECK(idle.code == 0);
  CHECK_THAT(idle.out, Catch::StartsWith("Nothing to do"));

  const std::string core = plan["protected"].get<std::string>().substr(0, 1);
  const auto& broken = plan["assignments"][1];
  const auto& other = plan["assignments"][2];
  REQUIRE(broken["device"] == other["device"]);
  host.file(mask_file(broken), core + '\n');
  host.file(mask_file(other), broken["to"].get<std::string>() + '\n');  // As good, but for balance.
  const auto check = check_of(host, 3);
  REQUIRE(check["drift"].size() == 1);
  CHECK(check["drift"][0]["irq"] == broken["irq"]);
  CHECK(on(host, {"apply", "--repair", "--dry-run", "--detailed-exitcode"}).code == 3);
  const auto repair = on(host, {"apply", "--repair", "--json"});
  CHECK(repair.code == 0);
  const auto results = Json::parse(repair.out)["results"];
  REQUIRE(results.size() == 1);
  CHECK(results[0]["irq"] == broken["irq"]);
  CHECK(host.sysfs().read(mask_file(other)) == broken["to"].get<std::string>());
  CHECK(check_of(host, 0)["drift"].empty());

  SECTION("the default mask, if an apply had set it") {
    const std::string mask = "/proc/irq/default_smp_affinity";
    const auto set = host.sysfs().read(mask);
    host.file(mask, "ffff\n");
    CHECK(on(host, {"apply", "--repair"}).code == 0);
    CHECK(host.sysfs().read(mask) == set);
    CHECK(on(host, {"check"}).code == 0);
  }
}

TEST_CASE("apply --repair leaves a default mask that no apply has set", "[cli][check][apply]") {
  CapturedHost host("two-vms");
  const std::string mask = "/proc/irq/default_smp_affinity";
  const auto before = host.sysfs().read(mask);
  CHECK(on(host, {"apply", "--repair"}).code == 0);
  CHECK(host.sysfs().read(mask) == before);
  CHECK(on(host, {"check"}).code == 0);
  check_refused(on(host, {"apply", "--detailed-exitcode"}), 2, "--dry-run");
}

TEST_CASE("plan: what an apply found the kernel to spread by itself is left", "[cli][plan]") {
  CapturedHost host("two-vms");
  const auto plan = Json::parse(on(host, {"plan", "--scope", "evict", "--json"}).out);
  const auto& all = plan["assignments"];
  const auto found = std::ranges::find_if(all, [](const Json& assignment) {
    return assignment["vector"].is_null() && assignment["change"] == true;
  });
  REQUIRE(found != all.end());
  const Json head = {{"schema", "irqtune.journal/1"},
                     {"id", "20260301T123456Z-0001"},
                     {"started", "2026-03-01T12:34:56Z"},
                     {"root", host.root().native()},
                     {"boot_id", nullptr},
                     {"user", "a"},
                     {"plan_digest", ""},
                     {"pid", 1}};
  const Json intent = {{"event", "intent"},
                       {"write", 0},
                       {"irq", (*found)["irq"]},
                       {"vector", nullptr},
                       {"device", (*found)["device"]},
                       {"actions", (*found)["actions"]},
                       {"before", (*found)["from"]},
                       {"after", (*found)["to"]}};
  const Json outcome = {
      {"event", "outcome"}, {"write", 0}, {"state", "managed"}, {"effective", nullptr}};
  const Json end = {{"event", "state"}, {"state", "rolled_back"}, {"at", "2026-03-01T12:34:57Z"}};
  host.file("/var/lib/irqtune/journal/20260301T123456Z-0001.jsonl",
            head.dump() + '\n' + intent.dump() + '\n' + outcome.dump() + '\n' + end.dump() + '\n');
  const auto again = Json::parse(on(host, {"plan", "--scope", "evict", "--json"}).out);
  CHECK(again["managed_left_out"] == plan["managed_left_out"].get<int>() + 1);
  CHECK(again["assignments"].size() + 1 == all.size());
}

TEST_CASE("check, plan and apply agree on nothing to do", "[cli][check][apply]") {
  CapturedHost host("two-vms");
  const auto codes = [&] {
    std::vector<int> all;
    for (const auto& arguments :
         std::vector<Arguments>{{"check", "--strict"},
                                {"plan", "--detailed-exitcode"},
                                {"apply", "--dry-run", "--detailed-exitcode"},
                                {"apply", "--repair", "--dry-run", "--detailed-exitcode"}}) {
      all.push_back(on(host, arguments).code);
    }
    return all;
  };
  CHECK(codes() == std::vector<int>(4, 3));
  REQUIRE(on(host, {"apply"}).code == 0);
  CHECK(codes() == std::vector<int>(4, 0));
  CHECK_THAT(on(host, {"apply"}).out, Catch::StartsWith("Nothing to do"));
}

TEST_CASE("check and rollback: a mask that the kernel widened as its CPU went offline",
          "[cli][check][apply]") {
  CapturedHost host("two-vms");
  const auto plan = Json::parse(on(host, {"plan", "--json"}).out);
  REQUIRE(on(host, {"apply"}).code == 0);
  const auto& moved = plan["assignments"][0];
  const auto cpu = CpuSet::parse_list(moved["to"].get<std::string>()).value();
  const auto online =
      CpuSet::parse_list(host.sysfs().read("/sys/devices/system/cpu/online").value_or("")).value();
  host.file(mask_file(moved), (online - cpu).to_list() + '\n');
  const auto check = check_of(host, 3);
  CHECK_THAT(check["drift"][0]["reason"].get<std::string>(),
             Catch::Contains("went offline: the kernel widened the mask"));
  const auto rollback = on(host, {"rollback"});
  CHECK(rollback.code == 0);
  CHECK_THAT(rollback.out, Catch::Contains("the kernel had widened it"));
  CHECK(host.sysfs().read(mask_file(moved)) == moved["from"].get<std::string>());
}

TEST_CASE("check: what failed has the keys of an apply's failures", "[cli][check]") {
  CapturedHost host("two-vms");
  const auto check = check_of(host, 3);
  REQUIRE(check["failed"].size() == check["drift"].size());
  const auto& first = check["failed"].at(0);
  CHECK(first["device"] == first["vector"]["device"]);
  CHECK(first["vm"] == "vm3");
  CHECK(first["state"] == "would_change");
  CHECK(first["from"] == check["drift"][0]["actual"]);
  CHECK(first["to"] == check["drift"][0]["expected"]);
  CHECK_FALSE(first["error"].get<std::string>().empty());
  const auto applied = Json::parse(on(host, {"apply", "--json"}).out);
  CHECK(applied["results"].at(0)["vm"].is_string());
  CHECK(applied["results"].at(0)["device"] == applied["results"].at(0)["vector"]["device"]);
}

}  // namespace irqtune::test
