// SPDX-License-Identifier: Apache-2.0
#include "support/golden.h"

#include "irqtune/core/text.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

namespace irqtune::test {

namespace {

namespace fs = std::filesystem;

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

}  // namespace

void check_golden(const std::string& directory,
                  const std::string& file,
                  const std::string& printed) {
  const auto path = source_dir() / "tests/golden" / directory / file;
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

}  // namespace irqtune::test
