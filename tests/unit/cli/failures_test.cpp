// SPDX-License-Identifier: Apache-2.0
#include "cli/failures.h"

#include "irqtune/report/report.h"

#include "support/catch.h"
#include "support/hosts/vfio_tree.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>

namespace irqtune::test {

namespace {

constexpr unsigned kVectors = 40;

/// An apply of 40 masks of which the kernel refuses those from number `first` on.
ApplyReport refused_from(unsigned first, bool keep_going) {
  const VfioTree tree(kVectors);
  const auto sysfs = tree.sysfs();
  auto options = quick_options();
  options.keep_going = keep_going;
  options.write = [&, calls = 0U](auto path, auto text, const auto& holds) mutable {
    const bool back = text.find('-') != std::string_view::npos;  // 0-7: what stood there.
    return !back && calls++ >= first ? errno_code(ENOSPC) : sysfs.write(path, text, holds);
  };
  return apply(tree.writes(), sysfs, tree.session(), options);
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

}  // namespace

TEST_CASE("failures: a run that was undone is one line and a hint", "[apply][failures]") {
  const auto report = refused_from(3, false);
  REQUIRE(report.state == ApplyState::rolled_back);
  const auto text = failures_text(report);
  INFO(text);
  CHECK(lines(text) == 2);
  CHECK(text.starts_with("irqtune: 0000:3b:00.0/msix/3 (IRQ 33): refused: "));
  CHECK_THAT(text, Catch::Contains(errno_code(ENOSPC).message()));
  CHECK_THAT(text, Catch::Contains("; 3 masks put back, 36 not tried\nhint: "));
}

TEST_CASE("failures: what was not tried is counted in the table, and all of it in JSON",
          "[apply][failures]") {
  const auto report = refused_from(3, false);
  const auto text = apply_text(report, {});
  INFO(text);
  CHECK(text.starts_with("1 affinity mask could not be set; everything is as it was.\n"));
  CHECK(lines(text) == 9);  // Headline, empty, header, 4 rows, empty, summary.
  CHECK_THAT(text, Catch::Contains("\n\n36 masks not tried, because the run ended before.\n"));
  TextStyle verbose;
  verbose.verbose = true;
  CHECK(lines(apply_text(report, verbose)) == 3 + kVectors);
  CHECK(nlohmann::json::parse(apply_json(report))["results"].size() == kVectors);
}

TEST_CASE("failures: under --keep-going the first ten are named", "[apply][failures]") {
  const auto report = refused_from(3, true);
  REQUIRE(report.state == ApplyState::partial);
  const auto text = failures_text(report);
  INFO(text);
  CHECK(lines(text) == 10 + 1 + 1);  // Their hint is the same.
  CHECK_THAT(text, Catch::Contains("(IRQ 42): "));
  CHECK_THAT(text, !Catch::Contains("(IRQ 43)"));
  CHECK(text.ends_with("irqtune: and 27 more\n"));
}

TEST_CASE("failures: an interrupted run says so", "[apply][failures]") {
  const VfioTree tree(2);
  auto options = quick_options();
  options.interrupted = [] { return true; };
  const auto report = apply(tree.writes(), tree.sysfs(), tree.session(), options);
  REQUIRE(report.state == ApplyState::rolled_back);
  CHECK(failures_text(report) == "irqtune: apply: interrupted; 2 masks not tried\n");
  CHECK(apply_text(report, {}).starts_with("Interrupted; everything is as it was.\n"));
}

TEST_CASE("failures: none, no line", "[apply][failures]") {
  CHECK(failures_text(refused_from(kVectors, false)).empty());
}

}  // namespace irqtune::test
