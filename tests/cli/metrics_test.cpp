// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <map>
#include <set>
#include <string>

namespace irqtune::test {

namespace {

using Catch::Contains;

/// Series -> value; fails the test if a line is neither a comment nor a series, or stands twice.
std::map<std::string, double> series_of(const std::string& text) {
  std::map<std::string, double> series;
  std::set<std::string> declared;
  for (const auto line : split(trimmed(text), '\n')) {
    if (line.starts_with("# TYPE ")) {
      const auto name = std::string(words(line).at(2));
      INFO(name);
      CHECK(declared.insert(name).second);
    }
    if (line.starts_with("#")) {
      continue;
    }
    const auto blank = line.rfind(' ');
    REQUIRE(blank != std::string_view::npos);
    const auto name = std::string(line.substr(0, blank));
    INFO(name);
    CHECK(declared.contains(name.substr(0, name.find('{'))));
    CHECK(series.emplace(name, std::stod(std::string(line.substr(blank + 1)))).second);
  }
  return series;
}

}  // namespace

TEST_CASE("metrics: collisions and drift before and after an apply", "[cli][metrics]") {
  CapturedHost host("two-vms");
  const auto before = series_of(on(host, {"metrics"}).out);
  const std::string nic = "{device=\"0000:24:00.0\",vm=\"vm1\"}";
  CHECK(before.at("irqtune_device_vectors" + nic) == 5);
  CHECK(before.at("irqtune_pending_changes") == 29);
  REQUIRE(on(host, {"apply"}).code == 0);
  const auto after = series_of(on(host, {"metrics"}).out);
  CHECK(after.at("irqtune_pending_changes") == 0);
  CHECK(after.at("irqtune_drifted_masks") == 0);
  CHECK(after.at("irqtune_applies{state=\"committed\"}") == 1);
}

TEST_CASE("metrics: at most ten series a device and a VM, and an end", "[cli][metrics]") {
  const auto name = GENERATE(from_range(captures()));
  const auto ran = run({"--root", capture_file(name).string(), "metrics"});
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Catch::EndsWith("# EOF\n"));
  std::map<std::string, int> of_device;
  std::map<std::string, int> of_vm;
  for (const auto& [series, value] : series_of(ran.out)) {
    const auto labels = series.substr(std::min(series.find('{'), series.size()));
    if (labels.starts_with("{device=")) {
      ++of_device[labels];
    } else if (labels.starts_with("{vm=")) {
      ++of_vm[labels];
    }
  }
  for (const auto& [labels, count] : of_device) {
    CHECK(count <= 10);
  }
  for (const auto& [labels, count] : of_vm) {
    CHECK(count <= 10);
  }
}

TEST_CASE("metrics: a file is written whole, or not at all", "[cli][metrics]") {
  CapturedHost host("two-vms");
  const auto file = host.root() / "irqtune.prom";
  CHECK(on(host, {"metrics", "-o", file.string()}).out.empty());
  CHECK_THAT(host.text("/irqtune.prom"), Catch::EndsWith("# EOF\n"));
  const auto failed = on(host, {"metrics", "-o", (host.root() / "none/irqtune.prom").string()});
  CHECK(failed.code == 1);
  CHECK_THAT(failed.err, Contains("cannot write the metrics"));
}

}  // namespace irqtune::test
