// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/measurements.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/diagnose/diagnose.h"
#include "irqtune/measure/measure_file.h"
#include "irqtune/plan/planner.h"
#include "irqtune/read/settings/settings.h"
#include "irqtune/report/html.h"

#include "cli/selection.h"
#include "cli/support.h"
#include "sys/output_file.h"

#include <fmt/format.h>

#include <ostream>

namespace irqtune {

namespace {

/// The appended measurements; one that cannot be understood is left out.
std::vector<std::vector<Sample>> history_of(const Context& context, const HostId& id) {
  std::vector<std::vector<Sample>> history;
  if (!may_have_journals(context)) {
    return history;
  }
  for (const auto& line : read_measurements(session_of(context, id))) {
    try {
      history.push_back(parse_samples(line, "measurements.jsonl"));
    } catch (const Error&) {  // A line of another version, or a torn one.
    }
  }
  return history;
}

}  // namespace

ExitCode run(const ReportCommand& options, const Context& context) {
  auto policy = policy_of(options.policy);
  auto host = read_host_for(context, options.policy, Detail::devices, true);
  settle_selection(host, policy, context.call);
  const auto plan = make_plan(host, policy);
  const auto settings = read_settings(context.sysfs, host);
  const auto findings = diagnose({host, plan.protections, plan, settings});
  const auto history = history_of(context, host.id);
  print_warnings(context, plan.warnings);
  const PageContent content{host, plan, findings, history};
  const auto page = options.output.ends_with(".svg") ? map_svg(content) : page_html(content);
  if (options.output == "-") {
    context.out << page;
  } else if (const auto error = write_output_file(options.output, page)) {
    throw Error::system(ErrorKind::host,
                        options.output,
                        "cannot write the page",
                        error,
                        write_hint(error, "name another file with -o"));
  } else if (!context.call.quiet) {
    context.out << fmt::format("Wrote {}: open it in a browser.\n", printable(options.output));
  }
  return ExitCode::ok;
}

}  // namespace irqtune
