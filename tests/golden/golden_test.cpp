// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "support/captured_host.h"
#include "support/catch.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>

// What each command prints for the captured hosts, in tests/golden/<host>/. After a change that is
// meant to change it, IRQTUNE_UPDATE_GOLDEN=1 writes the files anew, and `git diff` is the review.

namespace irqtune::test {

namespace {

namespace fs = std::filesystem;

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

/// "line 3: expected A, got B"; empty if the texts agree.
std::string difference(const std::string& expected, const std::string& actual) {
  if (expected == actual) {
    return {};
  }
  const auto old = split(expected, '\n');
  const auto now = split(actual, '\n');
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(old, now).in1 - old.begin());
  return fmt::format("line {}:\n  expected: {}\n  printed:  {}",
                     at + 1,
                     at < old.size() ? old[at] : "(the end)",
                     at < now.size() ? now[at] : "(the end)");
}

/// Compares `printed` with the stored file, or stores it.
void check_golden(const std::string& host, const std::string& file, const std::string& printed) {
  const auto path = source_dir() / "tests/golden" / host / file;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
  const char* update = std::getenv("IRQTUNE_UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << printed;
    return;
  }
  std::ifstream in(path, std::ios::binary);
  const std::string expected{std::istreambuf_iterator<char>(in), {}};
  INFO(path.string() << ", " << difference(expected, printed)
                     << "\nIRQTUNE_UPDATE_GOLDEN=1 writes it anew");
  CHECK(expected.size() == printed.size());
  CHECK(difference(expected, printed).empty());
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

TEST_CASE("golden: what hurts on each captured host", "[golden]") {
  const auto host = GENERATE(from_range(captures()));
  check_golden(host, "diagnose.txt", printed(host, {"diagnose"}));
  check_golden(host, "diagnose.json", printed(host, {"diagnose", "--json"}));
}

}  // namespace irqtune::test
