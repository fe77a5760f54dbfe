// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "cli/beside_watch.h"
#include "cli/failures.h"
#include "cli/support.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ostream>

namespace irqtune {

namespace {

/// All reports as one: the results of every journal, the worst of their states.
ApplyReport joined(const std::vector<ApplyReport>& reports) {
  ApplyReport all;
  all.rollback = true;
  for (const auto& report : reports) {
    all.id += (all.id.empty() || report.id.empty() ? "" : ",") + report.id;
    const bool worse = all.state != ApplyState::partial && !report.id.empty();
    all.state = worse ? report.state : all.state;
    all.outcomes.insert(all.outcomes.end(), report.outcomes.begin(), report.outcomes.end());
    all.warnings.insert(all.warnings.end(), report.warnings.begin(), report.warnings.end());
    if (!report.problem.empty()) {
      all.warnings.push_back(fmt::format("{}: {}", report.id, report.problem));
    }
  }
  return all;
}

void print(const std::vector<ApplyReport>& reports, const Context& context) {
  const auto all = joined(reports);
  for (const auto& report : reports) {
    print_warnings(context, report.warnings);
    context.err << in_full(failures_text(report), context.style.program);
  }
  if (context.call.json) {
    context.out << apply_json(all);
  } else if (all.id.empty() && !context.call.quiet) {
    context.out << "Nothing to roll back.\n";
  } else if (!context.call.quiet) {
    for (const auto& report : reports) {
      const bool told = !report.id.empty();
      context.out << (told && &report != &reports.front() ? "\n" : "")
                  << (told ? apply_text(report, context.style) : "");
    }
  }
}

/// A dry run that has found what could not be put back fails as the real one would.
bool is_partial(const ApplyReport& report) {
  const bool would_be = report.state == ApplyState::dry_run && !failures_text(report).empty();
  return report.state == ApplyState::partial || would_be;
}

ExitCode code_of(const std::vector<ApplyReport>& reports) {
  return std::ranges::any_of(reports, is_partial) ? ExitCode::partial : ExitCode::ok;
}

}  // namespace

ExitCode run(const RollbackCommand& options, const Context& context) {
  require_writable_root(context, "rollback");
  if (options.all && !options.id.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("rollback: --all and {}: only one of them", printable(options.id)),
                "`irqtune history` lists what there is to roll back");
  }
  const auto session = session_of(context, read_host_id(context.sysfs));
  const RollbackSelection selection{options.id, options.all, false};
  ApplyOptions apply_options;
  apply_options.force = options.force;
  // Where nothing was ever applied no directory is made for the lock.
  if (options.dry_run || !has_state_dir(session)) {
    const RollbackSelection dry{options.id, options.all, true};
    const auto reports = roll_back(dry, context.sysfs, session, apply_options);
    print(reports, context);
    return code_of(reports);
  }
  require_no_watch(session, "rollback");
  if (const auto why = why_not_writable(context.sysfs)) {
    throw Error(ErrorKind::applying, *why);
  }
  apply_options.interrupted = [] { return SignalGuard::interrupted(); };
  const auto reports = [&] {  // Whoever reads the output slowly must not keep the lock.
    const Lock lock(session, milliseconds(options.lock.wait));
    return roll_back(selection, context.sysfs, session, apply_options);
  }();
  print(reports, context);
  return code_of(reports);
}

}  // namespace irqtune
