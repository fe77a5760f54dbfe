// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/hosts/captured_host.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace irqtune::test {

TEST_CASE("measure: a tree's two readings, kept, appended and compared", "[cli][measure]") {
  const CapturedHost host("two-vms");
  const auto root = host.root().string();
  const auto file = (host.root() / "before.json").string();
  const auto ran = run({"--root", root, "measure", "-o", file, "--append"});
  CHECK(ran.code == 0);
  CHECK(ran.out.find("vm1") != std::string::npos);
  CHECK(run({"--root", root, "measure", "--append", "-q"}).code == 0);
  const auto state = host.root() / "var/lib/irqtune/measurements.jsonl";
  CHECK(std::filesystem::exists(state));

  const auto compared = run({"--root", root, "--json", "measure", "--against", file});
  CHECK(compared.code == 0);
  const auto document = nlohmann::json::parse(compared.out);
  CHECK(document["schema"] == "irqtune.measure/1");
  REQUIRE_FALSE(document["compare"].empty());
  for (const auto& row : document["compare"]) {
    CHECK(row["before"] == row["after"]);
    CHECK(row["differs"].is_null());
  }
}

TEST_CASE("measure: what it cannot do is said in one line", "[cli][measure]") {
  const CapturedHost host("two-vms");
  const auto root = host.root().string();
  const auto wrong = run({"--root", root, "measure", "--against", root + "/proc/uptime"});
  CHECK(wrong.code == 2);
  CHECK(wrong.err.find("not a measurement") != std::string::npos);
  CHECK(run({"--root", root, "measure", "--seconds", "0"}).code == 2);
  std::filesystem::remove_all(host.root() / "sample2");
  const auto single = run({"--root", root, "measure"});
  CHECK(single.code == 2);
  CHECK(single.err.find("second reading") != std::string::npos);
  const auto archive = capture_file("two-vms").string();
  CHECK(run({"--root", archive, "measure", "--append"}).code == 2);
}

TEST_CASE("apply --measure: before and after, and the difference", "[cli][measure]") {
  const CapturedHost host("two-vms");
  const auto root = host.root().string();
  const auto ran = run({"--root", root, "apply", "--measure=1", "--json"});
  INFO(ran.err);
  CHECK(ran.code == 0);
  const auto document = nlohmann::json::parse(ran.out);
  CHECK(document["state"] == "committed");
  REQUIRE_FALSE(document["compare"].empty());
  CHECK(document["compare"][0]["path"] == "totals.on_vcpu_cores.passthrough");

  const auto again = run({"--root", root, "apply", "--measure"});
  CHECK(again.code == 0);
  CHECK(again.out.find("nothing to compare") != std::string::npos);
  CHECK(run({"--root", root, "rollback"}).code == 0);
  const auto text = run({"--root", root, "apply", "--measure"});
  CHECK(text.out.find("COMPARED") != std::string::npos);
  CHECK(run({"--root", root, "apply", "--measure", "--dry-run"}).code == 2);
  CHECK(run({"--root", root, "apply", "--measure=0"}).code == 2);
}

}  // namespace irqtune::test
