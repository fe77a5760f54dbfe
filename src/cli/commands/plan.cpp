// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/plan/planner.h"
#include "irqtune/report/print.h"

#include "cli/plan_warnings.h"
#include "cli/support.h"
#include "sys/output_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ostream>

namespace irqtune {

namespace {

std::string rendered(const Planned& planned, const std::string& format, const TextStyle& style) {
  if (format == "json") {
    return plan_json(planned.plan);
  }
  return format == "script" ? plan_script(planned.plan)
                            : plan_text(planned.plan, planned.host, style);
}

void print(const Planned& planned, const std::string& format, const Context& context) {
  if (format == "json") {
    print_plan_json(context.out, planned.plan);
  } else {
    context.out << rendered(planned, format, context.style);
  }
}

/// Of --json and --format that which was typed; a file is for `apply`, so JSON if nothing was.
std::string format_of(const PlanOptions& options, const Invocation& call, bool to_file) {
  const auto& given = options.format;
  if (!call.json) {
    return !given.empty() ? given : to_file ? "json" : "table";
  }
  const auto& configured = call.config.lines;
  if (given.empty() || given == "json" || configured.contains({"plan", "format"})) {
    return "json";
  }
  if (configured.contains({"", "json"})) {
    return given;
  }
  throw Error(ErrorKind::usage,
              fmt::format("plan: --json and --format {}: only one of them", given));
}

void write_file(const Planned& planned,
                const std::string& format,
                const std::string& path,
                const Context& context) {
  if (const auto error = write_output_file(path, rendered(planned, format, context.style))) {
    throw Error::system(ErrorKind::host,
                        path,
                        "cannot write the plan",
                        error,
                        write_hint(error, "name another file with -o"));
  }
  if (context.call.quiet || context.call.json) {
    return;
  }
  const auto changes = change_count(planned.plan);
  context.out << fmt::format(
      "Wrote {}: {} to change.{}\n",
      printable(path),
      counted(changes, "affinity mask"),
      format == "json" && changes > 0 && !context.sysfs.in_memory()
          ? fmt::format(" Carry it out with: {} apply {}", context.style.program, shell_word(path))
          : std::string());
}

}  // namespace

ExitCode run(const PlanOptions& options, const Context& context) {
  const bool to_file = !options.output.empty() && options.output != "-";
  const auto format = format_of(options, context.call, !options.output.empty());
  auto planned = plan_for(context, options.policy);
  std::ranges::move(standing_conditions(planned.host, planned.plan.policy),
                    std::back_inserter(planned.plan.warnings));
  std::ranges::move(meddler_warnings(planned.plan, false, context.sysfs),
                    std::back_inserter(planned.plan.warnings));
  print_warnings(context, planned.plan.warnings);
  if (to_file) {
    write_file(planned, format, options.output, context);
  } else if (!context.call.quiet || format != "table") {
    print(planned, format, context);
  }
  const bool differs = options.detailed_exitcode && change_count(planned.plan) > 0;
  return differs ? ExitCode::differs : ExitCode::ok;
}

}  // namespace irqtune
