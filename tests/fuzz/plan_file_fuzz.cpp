// SPDX-License-Identifier: Apache-2.0
// Plan files, printed again and read again.
#include "irqtune/apply/plan_file.h"
#include "irqtune/core/error.h"
#include "irqtune/report/report.h"

#include "fuzz/fuzz.h"

using irqtune::fuzz::is_plain;
using irqtune::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  irqtune::Plan plan;
  try {
    plan = irqtune::parse_plan(irqtune::fuzz::text_of(data, size), "PLAN");
  } catch (const irqtune::Error& error) {
    const std::string_view what = error.what();
    require(error.kind() == irqtune::ErrorKind::usage, "a file that is none is bad usage", what);
    require(what.starts_with("PLAN"), "an error names the file", what);
    require(is_plain(what), "an error can be shown", what);
    return 0;
  }
  const auto printed = irqtune::plan_json(plan);
  const auto again = irqtune::plan_json(irqtune::parse_plan(printed, "PLAN"));
  require(printed == again, "a plan is its text", printed + again);
  const auto script = irqtune::plan_script(plan);
  require(script.ends_with("exit $failed\n"), "a plan is a script", script);
  return 0;
}
