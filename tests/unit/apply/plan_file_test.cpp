// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/plan_file.h"

#include "irqtune/apply/apply.h"
#include "irqtune/core/error.h"

#include "support/catch.h"

#include <fmt/format.h>

#include <string>

namespace irqtune {

namespace {

std::string plan_with(std::string_view assignments) {
  return fmt::format(R"({{"schema":"irqtune.plan/1","assignments":[{}]}})", assignments);
}

std::string error_of(const std::string& json) {
  try {
    static_cast<void>(parse_plan(json, "p.json"));
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("plan file: reads what plan --json prints", "[apply]") {
  const auto plan = parse_plan(R"json({"schema":"irqtune.plan/1",
      "host":{"hostname":"h","kernel":"6.12","boot_id":"b","cmdline":null},
      "policy":{"protect_siblings":false,"include_defined":true,"avoid":"7"},
      "protected":"2-5","housekeeping":"0-1","warnings":["w"],
      "assignments":[
       {"irq":30,"vector":{"device":"0000:3b:00.0","kind":"msix","index":3},
        "device":"0000:3b:00.0","action":"vfio-msix[3](0000:3b:00.0)","vm":"db","role":"auxiliary",
        "rate":1.5,"from":"0-7","from_effective":"2","to":"1","change":true,"locality":"node",
        "distance":10,"reason":"r","blocked":null},
       {"irq":31,"vector":null,"action":"eth0","actions":["eth0"],"from":"0-7","to":null,
        "change":false,"blocked":"managed"}],
      "default_affinity":{
  "from" : "0-7", "to" : "0-1"
}
})json",
                               "p.json");
  CHECK(plan.host.boot_id == "b");
  CHECK_FALSE(plan.host.cmdline);
  CHECK_FALSE(plan.policy.protection.siblings);
  CHECK(plan.policy.protection.include_defined);
  CHECK(plan.policy.protection.avoid == CpuSet{7});
  CHECK(plan.protected_cpus.to_list() == "2-5");
  REQUIRE(plan.assignments.size() == 2);
  const auto& first = plan.assignments[0];
  CHECK(first.vector->index == 3);
  CHECK(first.to == CpuSet{1});
  CHECK(first.role == Role::auxiliary);
  CHECK(first.distance == 10);
  CHECK(plan.assignments[1].blocked == Blocked::managed);
  CHECK(plan.default_affinity->to == CpuSet{0, 1});
  const auto writes = writes_for(plan);
  REQUIRE(writes.size() == 2);
  CHECK_FALSE(writes[0].identity);
  CHECK(writes[1].before == "0-7");
}

TEST_CASE("plan file: names the member that is wrong", "[apply]") {
  const auto [assignment, member] = GENERATE(table<std::string, std::string>({
      {R"({})", "assignments[0].irq"},
      {R"({"irq":-1})", "assignments[0].irq"},
      {R"({"irq":4294967296})", "assignments[0].irq"},
      {R"({"irq":"5"})", "assignments[0].irq"},
      {R"({"irq":5,"change":true,"to":"1"})", "assignments[0]"},
      {R"({"irq":5,"actions":["x"],"to":"1"})", "assignments[0].change"},
      {R"({"irq":5,"actions":["x"],"change":"yes","to":"1"})", "assignments[0].change"},
      {R"({"irq":5,"actions":["x"],"change":true,"to":"one"})", "assignments[0].to"},
      {R"({"irq":5,"actions":["x"],"change":true,"to":""})", "assignments[0].to"},
      {R"({"irq":5,"actions":["x"],"change":true})", "assignments[0].to"},
      {R"({"irq":5,"actions":[1],"change":true,"to":"1"})", "assignments[0].actions[0]"},
      {R"({"irq":5,"vector":{"device":"x","kind":"msix","index":0},"change":false})",
       "assignments[0].vector.device"},
      {R"({"irq":5,"vector":{"device":"00:02.0","kind":"pin","index":0},"change":false})",
       "assignments[0].vector.kind"},
      {R"({"irq":5,"vector":{"device":"00:02.0","kind":"msi","index":70000},"change":false})",
       "assignments[0].vector.index"},
      {R"({"irq":5,"vector":7,"change":false})", "assignments[0].vector"},
      {R"(5)", "assignments[0]"},
  }));
  CAPTURE(assignment);
  CHECK(error_of(plan_with(assignment)).starts_with("p.json." + member));
}

TEST_CASE("plan file: refuses what is no plan", "[apply]") {
  const auto json = GENERATE(as<std::string>{},
                             "",
                             "x",
                             "[]",
                             "{}",
                             "null",
                             R"({"schema":1})",
                             R"({"schema":"irqtune.plan/2","assignments":[]})",
                             R"({"schema":"irqtune.host/1"})",
                             R"({"schema":"irqtune.plan/1"})",
                             R"({"schema":"irqtune.plan/1","assignments":{}})",
                             R"({"schema":"irqtune.plan/1","assignments":[],"protected":"z"})",
                             R"({"schema":"irqtune.plan/1","assignments":[],)"
                             R"("default_affinity":{"to":""}})");
  CAPTURE(json);
  CHECK(error_of(json).starts_with("p.json"));
}

TEST_CASE("plan file: one interrupt may be named once only", "[apply]") {
  const std::string one = R"({"irq":5,"actions":["x"],"change":true,"to":"1"})";
  CHECK(error_of(plan_with(one)).empty());
  CHECK(error_of(plan_with(one + "," + one)).find("twice") != std::string::npos);
}

}  // namespace irqtune
