// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "irqtune/apply/apply_plan.h"
#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/diagnose/diagnose.h"
#include "irqtune/measure/measure.h"
#include "irqtune/plan/drift.h"
#include "irqtune/read/settings/settings.h"
#include "irqtune/report/measurement.h"

#include "cli/beside_watch.h"
#include "cli/checked.h"
#include "cli/commands/apply_wait.h"
#include "cli/commands/plan_from_file.h"
#include "cli/failures.h"
#include "cli/measured.h"
#include "cli/plan_warnings.h"
#include "cli/support.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <ostream>
#include <set>
#include <utility>

namespace irqtune {

namespace {

/// What interrupts cost the guests, for --measure.
std::vector<Sample> measured_now(const ApplyCommand& options,
                                 const Context& context,
                                 const std::string& shown) {
  return measure_host(context, options.policy, *options.measure, shown).samples;
}

/// Throws Error{usage} if there is nothing to be measured.
void check_measure(const ApplyCommand& options) {
  if (options.measure && (options.dry_run || *options.measure <= 0)) {
    throw Error(ErrorKind::usage,
                options.dry_run ? "--measure: a dry run changes nothing to be measured"
                                : "--measure=0: no time to measure in",
                "`irqtune measure` looks at the host as it is");
  }
}

/// Refuses where each write would break a posted vector; a dry run, and --force, only warn.
std::vector<std::string> posting_warnings(const ApplyCommand& options, const Sysfs& sysfs) {
  const auto why = why_posting_breaks(read_host_id(sysfs), read_posting_facts(sysfs));
  if (!why) {
    return {};
  }
  if (!options.dry_run && !options.force) {
    throw Error(ErrorKind::applying,
                fmt::format("{}; nothing was changed", *why),
                "reboot into a kernel with the fix or without posted_msi (`irqtune diagnose --only "
                "posted-msi-clobber`), or go on with --force");
  }
  return {*why};
}

/// A dry run that has found what could not be done fails as the real one would.
ExitCode code_of(const ApplyReport& report, const ApplyCommand& options) {
  const auto would_change = [](const auto& outcome) {
    return outcome.state == WriteState::would_change;
  };
  switch (report.state) {
    case ApplyState::rolled_back:
      return ExitCode::failed;
    case ApplyState::partial:
      return ExitCode::partial;
    case ApplyState::dry_run:
      return std::ranges::any_of(report.outcomes, is_refused) ? ExitCode::failed
             : options.detailed_exitcode && std::ranges::any_of(report.outcomes, would_change)
                 ? ExitCode::differs
                 : ExitCode::ok;
    case ApplyState::committed:
    case ApplyState::nothing_to_do:
      break;
  }
  return ExitCode::ok;
}

std::string report_text(const ApplyReport& report, const Plan& plan, const TextStyle& style) {
  const bool nothing =
      report.outcomes.empty() && plan.assignments.empty() && !plan.default_affinity;
  if (nothing) {
    return "No passthrough vectors in scope: nothing to do.\n";
  }
  const auto stuck = std::ranges::count_if(plan.assignments, [&](const Assignment& assignment) {
    return assignment.blocked && assignment.from.value_or(CpuSet{}).intersects(plan.protected_cpus);
  });
  return report.state == ApplyState::nothing_to_do && stuck > 0
             ? fmt::format(
                   "Nothing to do: {} of {} interrupts stay on protected CPUs with these "
                   "options; {} plan{} says why.\n",
                   stuck,
                   plan.assignments.size(),
                   style.program,
                   style.selection)
             : apply_text(report, style);
}

/// What is told of an apply beside its report.
struct Around {
  const Plan& plan;
  const std::vector<std::string>& told;  ///< Printed already; the document holds them too.
  const std::optional<std::vector<Comparison>>& compared;  ///< With --measure.
};

void print_report(const ApplyReport& report, const Around& around, const Context& context) {
  if (context.call.json) {
    context.out << (around.compared ? apply_json(report, *around.compared) : apply_json(report));
    return;
  }
  if (!context.call.quiet) {
    context.out << report_text(report, around.plan, context.style);
  }
  if (around.compared) {
    const auto table = comparisons_text(*around.compared, context.style);
    context.out << (table.empty() ? "\nNothing changed: there is nothing to compare.\n" : table);
  }
}

void finish(ApplyReport report, const Around& around, const Context& context) {
  std::ranges::move(stuck_warnings(around.plan, context.style.selection),
                    std::back_inserter(report.warnings));
  for (auto& warning : report.warnings) {
    warning = in_full(std::move(warning), context.style.program);
  }
  print_warnings(context, report.warnings);
  context.err << in_full(failures_text(report), context.style.program);
  report.warnings.insert(report.warnings.begin(), around.told.begin(), around.told.end());
  print_report(report, around, context);
}

/// What `check` names, each with the place that a plan would give it now.
Plan plan_repair(const ApplyCommand& options, const Context& context) {
  auto checked = check_host(context, options.policy);
  auto& [planned, drift] = checked;
  auto plan = repair_plan(std::move(planned.plan), planned.host, drift);
  const auto stay = std::ranges::count_if(
      drift.entries, [](const DriftEntry& entry) { return entry.irq && !entry.by_apply; });
  if (stay > 0) {
    plan.warnings.push_back(
        fmt::format("--repair: {} not in place would not be changed by a plan with these options: "
                    "`irqtune check` names {}",
                    counted(static_cast<std::size_t>(stay), "mask"),
                    stay == 1 ? "it" : "them"));
  }
  return plan;
}

/// Plans, unless a plan is given. Throws where the plan's changes must not be made.
Proposal propose(const ApplyCommand& options,
                 const std::optional<Plan>& given,
                 const Context& context) {
  if (given) {
    check_plan_fits(*given, context, options.plan_file, options.force);
  }
  Proposal proposal{given            ? *given
                    : options.repair ? plan_repair(options, context)
                                     : plan_for(context, options.policy).plan,
                    {},
                    {}};
  proposal.digest = plan_digest(proposal.plan);
  const bool changes = change_count(proposal.plan) > 0;
  auto& warnings = proposal.warnings;
  if (changes) {
    warnings = posting_warnings(options, context.sysfs);
  }
  const auto& planned = proposal.plan.warnings;
  warnings.insert(warnings.end(), planned.begin(), planned.end());
  std::ranges::move(meddler_warnings(proposal.plan, options.strict, context.sysfs),
                    std::back_inserter(warnings));
  return proposal;
}

/// `partial`: the wait ran out, so what is there is applied.
ApplyRequest request_of(const ApplyCommand& options,
                        const std::optional<Plan>& given,
                        bool partial,
                        const Context& context) {
  ApplyRequest request;
  request.propose = [&options, &given, &context] { return propose(options, given, context); };
  request.tell = [&context](const auto& warnings) { print_warnings(context, warnings); };
  request.dry_run = options.dry_run;
  request.lock_wait = milliseconds(options.lock.wait);
  request.options.keep_going = options.keep_going || partial;
  request.options.force = options.force;
  request.options.verify_timeout = milliseconds(options.verify_timeout);
  request.options.interrupted = [] { return SignalGuard::interrupted(); };
  return request;
}

/// Throws Error{usage} if options were typed that the plan in the file has settled.
void check_nothing_selected(const ApplyCommand& options, const Context& context) {
  const auto& selection = context.call.selection;
  if (!options.plan_file.empty() && !selection.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("apply {}:{}: the plan is made already", options.plan_file, selection),
                fmt::format("make it so: {} plan{} -o FILE", context.style.program, selection));
  }
}

}  // namespace

ExitCode run(const ApplyCommand& options, const Context& context) {
  check_nothing_selected(options, context);
  check_wait(options);
  check_measure(options);
  if (!options.dry_run) {
    require_writable_root(context, "apply");
  }
  const auto session = session_of(context, read_host_id(context.sysfs));
  const auto by_watch = options.dry_run ? std::nullopt : apply_by_watch(options, session, context);
  if (by_watch) {
    return *by_watch;
  }
  const auto given = options.plan_file.empty()
                         ? std::nullopt
                         : std::optional(plan_from_file(context, options.plan_file, options.force));
  if (given) {
    check_plan_fits(*given, context, options.plan_file, options.force);
  }
  const auto missing = wait_for_vectors(options, given, context);
  const auto before =
      options.measure ? measured_now(options, context, "measuring before") : std::vector<Sample>{};
  auto [proposal, report] =
      apply_plan(request_of(options, given, !missing.empty(), context), context.sysfs, session);
  const bool changed = report.state == ApplyState::committed || report.state == ApplyState::partial;
  const auto after = options.measure && changed ? measured_now(options, context, "measuring after")
                                                : std::vector<Sample>{};
  const auto compared = options.measure ? std::optional(compare(before, after)) : std::nullopt;
  report.warnings.insert(report.warnings.begin(), missing.begin(), missing.end());
  const auto code = code_of(report, options);
  finish(std::move(report), {proposal.plan, proposal.warnings, compared}, context);
  return code == ExitCode::ok && !missing.empty() ? ExitCode::partial : code;
}

}  // namespace irqtune
