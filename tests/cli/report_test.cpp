// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <nlohmann/json.hpp>

#include <cstdint>
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

/// Source: RFC 4648, section 4
std::string decoded(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6U | static_cast<std::uint32_t>(digits.find(c));
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xffU);
    }
  }
  return out;
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
  CHECK(ran.out.find("@style@") == std::string::npos);
  for (const auto* part :
       {"@title@", "@summary@", "@maps@", "@vectors@", "@history@", "@source@"}) {
    CHECK(ran.out.find(part) == std::string::npos);  // Each part has its place.
  }
  CHECK(ran.out.size() < 300'000);
  CHECK(count_of(ran.out, "<svg") >= 2);
  CHECK(count_of(ran.out, "<g ") > 0);
  const auto titled = count_of(ran.out, "<g role=\"img\"><title>CPU ") +
                      count_of(ran.out, "<g role=\"img\" class=\"owned\"><title>CPU ");
  CHECK(count_of(ran.out, "<g ") == titled);
}

TEST_CASE("report: the JSON that it was made from is in it", "[cli][report]") {
  const auto file = capture_file("two-vms").string();
  const auto page = run({"--root", file, "report", "-o", "-"}).out;
  for (const std::string command : {"plan", "diagnose"}) {
    const auto start = "<a download=\"" + command + ".json\" href=\"data:application/json;base64,";
    const auto at = page.find(start);
    REQUIRE(at != std::string::npos);
    const auto begin = at + start.size();
    const auto held = decoded(page.substr(begin, page.find('"', begin) - begin));
    const auto printed = run({"--root", file, command, "--json"}).out;
    const auto one = nlohmann::json::parse(held);
    const auto other = nlohmann::json::parse(printed);
    CHECK(one["host"] == other["host"]);
    for (const auto* key : {"assignments", "findings"}) {
      CHECK(one.contains(key) == other.contains(key));
      CHECK((!one.contains(key) || one[key] == other[key]));
    }
  }
}

TEST_CASE("report: each CPU of the map has its number, and says who owns it", "[cli][report]") {
  const auto page = run({"--root", capture_file("two-vms").string(), "report", "-o", "-"}).out;
  CHECK_THAT(page, Contains("package 1, node 1, cache 1"));
  CHECK_THAT(page, Contains("<title>CPU 2: vCPU 0 of vm1"));
  CHECK_THAT(page, Contains("<title>CPU 0: may take vectors; 1 vector, "));
  CHECK_THAT(page, Contains(">15</text>"));
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
