// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

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
    all.id += (all.id.empty() ? "" : ",") + report.id;
    all.state = all.state == ApplyState::partial ? all.state : report.state;
    all.outcomes.insert(all.outcomes.end(), report.outcomes.begin(), report.outcomes.end());
    all.warnings.insert(all.warnings.end(), report.warnings.begin(), report.warnings.end());
  }
  return all;
}

void print(const std::vector<ApplyReport>& reports, const Context& context) {
  const auto all = joined(reports);
  print_warnings(context, all.warnings);
  if (context.call.json) {
    context.out << apply_json(all);
  } else if (reports.empty() && !context.call.quiet) {
    context.out << "Nothing to roll back.\n";
  } else if (!context.call.quiet) {
    for (const auto& report : reports) {
      context.out << (&report == &reports.front() ? "" : "\n") << apply_text(report, context.style);
    }
  }
}

ExitCode code_of(const std::vector<ApplyReport>& reports) {
  const bool partial = std::ranges::any_of(
      reports, [](const ApplyReport& r) { return r.state == ApplyState::partial; });
  return partial ? ExitCode::partial : ExitCode::ok;
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
  if (options.dry_run || is_absent(session.state_dir)) {
    const RollbackSelection dry{options.id, options.all, true};
    print(roll_back(dry, context.sysfs, session, apply_options), context);
    return ExitCode::ok;
  }
  if (const auto why = why_not_writable(context.sysfs)) {
    throw Error(ErrorKind::applying, *why);
  }
  apply_options.interrupted = [] { return SignalGuard::interrupted(); };
  const Lock lock(session.state_dir, wait_of(options.lock), session.root);
  const auto reports = roll_back(selection, context.sysfs, session, apply_options);
  print(reports, context);
  return code_of(reports);
}

}  // namespace irqtune
