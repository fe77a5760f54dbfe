// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/cpu_set.h"

#include "support/captured_host.h"
#include "support/catch.h"
#include "support/run_on.h"

#include <nlohmann/json.hpp>

#include <algorithm>

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
  CHECK_THAT(drifted.out, Catch::Contains("apply with the options of then"));
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

TEST_CASE("check: unknown masks are no drift, and a warning names them", "[cli][check]") {
  const FakeTree tree{
      {"/sys/devices/system/cpu/online", "0-1\n"},
      {"/proc/interrupts",
       "           CPU0       CPU1\n"
       " 40:          1          2 IR-PCI-MSIX-0000:21:00.0 0-edge vfio-msix[0](0000:21:00.0)\n"
       " 41:          1          2 IR-PCI-MSIX-0000:21:00.0 1-edge vfio-msix[1](0000:21:00.0)\n"}};
  for (const auto& arguments : {Arguments{"check"}, {"check", "--default-affinity"}}) {
    const auto ran = on(tree, arguments);
    CHECK(ran.code == 0);
    CHECK(ran.out == "In place as far as is known: 2 vectors, 2 of them on unknown CPUs.\n");
    CHECK_THAT(ran.err, Catch::Contains("warning: the masks of 2 vectors could not be read"));
  }
  CHECK(check_of(tree, 0)["drift"].empty());
}

}  // namespace irqtune::test
