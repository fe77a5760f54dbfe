// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <string>

namespace irqtune::test {

namespace {

using Catch::Contains;

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("report: one page that fetches nothing and runs nothing", "[cli][report]") {
  const auto name = GENERATE(from_range(captures()));
  const auto ran = run({"--root", capture_file(name).string(), "report", "-o", "-"});
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::StartsWith("<!DOCTYPE html>"));
  CHECK_THAT(ran.out, Catch::EndsWith("</html>\n"));
  CHECK(ran.out.find("<script") == std::string::npos);
  CHECK(ran.out.find("http") == std::string::npos);
  for (const auto* part :
       {"@title@", "@summary@", "@maps@", "@vectors@", "@history@", "@source@"}) {
    CHECK(ran.out.find(part) == std::string::npos);  // Each part has its place.
  }
  CHECK(ran.out.size() < 300'000);
  CHECK(count_of(ran.out, "<svg") >= 2);
  CHECK(count_of(ran.out, "<g>") == count_of(ran.out, "<g><title>CPU "));
}

TEST_CASE("report: appended measurements become its history", "[cli][report]") {
  CapturedHost host("two-vms");
  CHECK(on(host, {"report", "-o", "-"}).out.find("polyline") == std::string::npos);
  REQUIRE(on(host, {"measure", "--append"}).code == 0);
  REQUIRE(on(host, {"measure", "--append"}).code == 0);
  CHECK_THAT(on(host, {"report", "-o", "-"}).out, Contains("<polyline class=\"plot\""));
}

TEST_CASE("report: where it cannot write it says so", "[cli][report]") {
  CapturedHost host("two-vms");
  const auto ran = on(host, {"report", "-o", (host.root() / "none/page.html").string()});
  CHECK(ran.code == 1);
  CHECK_THAT(ran.err, Contains("cannot write the page"));
  CHECK(on(host, {"report"}).code == 2);
}

}  // namespace irqtune::test
