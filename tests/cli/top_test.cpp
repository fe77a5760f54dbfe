// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace irqtune::test {

using Json = nlohmann::json;

TEST_CASE("top: a tree's interval is one JSON line", "[cli][top]") {
  const auto ran = on_file("two-vms", {"top", "--count", "5"});
  CHECK(ran.code == 0);
  CHECK(std::ranges::count(ran.out, '\n') == 1);
  const auto document = Json::parse(ran.out);
  CHECK(document["schema"] == "irqtune.top/1");
  CHECK(document["time"].is_null());
  CHECK(document["seconds"] > 0);
  REQUIRE_FALSE(document["vectors"].empty());
  auto last = document["vectors"][0]["rate"].get<double>();
  for (const auto& vector : document["vectors"]) {
    CHECK(vector["rate"] <= last);
    last = vector["rate"].get<double>();
    CHECK(vector["vm"].get<std::string>().starts_with("vm"));
  }
  // The same figures as those of measure.
  const auto measured = Json::parse(on_file("two-vms", {"--json", "measure"}).out);
  CHECK(document["totals"]["on_vcpu_cores"] == measured["totals"]["on_vcpu_cores"]);
}

TEST_CASE("top: what it cannot do is said in one line", "[cli][top]") {
  check_refused(on_file("two-vms", {"top", "--interval", "0"}), 2, "--interval");
  check_refused(on_file("two-vms", {"top", "--count", "0"}), 2, "--count");
  const CapturedHost host("two-vms");
  std::filesystem::remove_all(host.root() / "sample2");
  check_refused(on(host, {"top"}), 2, "second reading", "snapshot --sample");
}

}  // namespace irqtune::test
