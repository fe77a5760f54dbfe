// SPDX-License-Identifier: Apache-2.0
#include "support/golden.h"

#include "irqtune/core/text.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>

// What each command prints for the captured hosts, in tests/golden/<host>/.

namespace irqtune::test {

namespace {

/// Names of devices come from the machine's pci.ids, which differ; a table has them last.
std::string without_names(const std::string& text) {
  std::string out;
  auto column = std::string::npos;
  for (const auto line : split(text, '\n')) {
    if (line.starts_with("DEVICE ")) {
      column = line.find("  NAME");
    } else if (line.find(':') == std::string_view::npos) {
      column = std::string::npos;
    }
    auto kept = line.substr(0, column);
    while (kept.ends_with(' ')) {
      kept.remove_suffix(1);
    }
    out += fmt::format("{}\n", kept);
  }
  out.pop_back();
  return out;
}

std::string without_json_names(const std::string& text) {
  auto document = nlohmann::ordered_json::parse(text);
  for (auto& device : document["devices"]) {
    device.erase("name");
  }
  return document.dump(2) + '\n';
}

std::string printed(const std::string& host, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--root", capture_file(host).string()});
  const auto ran = run(arguments);
  CHECK(ran.code == 0);
  return ran.out;
}

}  // namespace

TEST_CASE("golden: what show prints for each captured host", "[golden]") {
  const auto host = GENERATE(from_range(captures()));
  check_golden(host, "show.txt", without_names(printed(host, {"show"})));
  check_golden(host, "topology.json", printed(host, {"show", "topology", "--json"}));
  check_golden(
      host, "devices.json", without_json_names(printed(host, {"show", "devices", "--json"})));
  check_golden(host, "vms.json", printed(host, {"show", "vms", "--json"}));
}

TEST_CASE("golden: the plan for each captured host", "[golden]") {
  const auto host = GENERATE(from_range(captures()));
  check_golden(host, "plan.txt", printed(host, {"plan"}));
  check_golden(host, "plan.json", printed(host, {"plan", "--json"}));
  check_golden(host, "plan.sh", printed(host, {"plan", "--format", "script"}));
}

// README.md shows it.
TEST_CASE("golden: the map of a captured host as a picture", "[golden][report]") {
  CapturedHost host("two-vms");
  const auto file = host.root() / "map.svg";
  REQUIRE(on(host, {"report", "-o", file.string()}).code == 0);
  std::ifstream in(file, std::ios::binary);
  const std::string drawn{std::istreambuf_iterator<char>(in), {}};
  CHECK_THAT(drawn, Catch::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  check_golden("two-vms", "map.svg", drawn);
}

TEST_CASE("golden: tables at the widths of terminals", "[golden]") {
  const auto* const width = GENERATE("80", "100", "200");
  const Environment columns("COLUMNS", width);
  for (const auto* command : {"plan", "check"}) {
    const auto ran = run({"--root", capture_file("two-vms").string(), command});
    check_golden("two-vms", fmt::format("{}-{}.txt", command, width), ran.out);
  }
}

TEST_CASE("golden: what hurts on each captured host", "[golden]") {
  const auto host = GENERATE(from_range(captures()));
  check_golden(host, "diagnose.txt", printed(host, {"diagnose"}));
  check_golden(host, "diagnose.json", printed(host, {"diagnose", "--json"}));
}

}  // namespace irqtune::test
