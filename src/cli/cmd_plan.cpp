// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/error.h"

#include "cli/support.h"
#include "sys/output_file.h"

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

void write_file(const std::string& path, const std::string& text) {
  if (const auto error = write_output_file(path, text)) {
    throw Error::system(ErrorKind::host, path, "cannot write the plan", error);
  }
}

}  // namespace

ExitCode run(const PlanOptions& options, const Context& context) {
  const auto planned = plan_for(context, options.policy);
  print_warnings(context, planned.plan.warnings);
  auto format = context.call.json ? std::string("json") : options.format;
  if (!options.output.empty()) {
    // A file is for `apply`, so JSON unless a format was asked for.
    format = format == "table" ? "json" : format;
    write_file(options.output, rendered(planned, format, context.style));
  } else if (!context.call.quiet || format != "table") {
    context.out << rendered(planned, format, context.style);
  }
  const bool differs = options.detailed_exitcode && change_count(planned.plan) > 0;
  return differs ? ExitCode::differs : ExitCode::ok;
}

}  // namespace irqtune
