// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "irqtune/apply/apply_plan.h"
#include "irqtune/apply/settle.h"
#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/diagnose/diagnose.h"
#include "irqtune/read/settings/settings.h"

#include "cli/commands/plan_from_file.h"
#include "cli/failures.h"
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

std::chrono::milliseconds milliseconds(double seconds) {
  constexpr double kMilli = 1000;
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * kMilli));
}

/// The passthrough devices that the options select.
std::vector<PciAddress> selected_devices(const Host& host, const Policy& policy) {
  std::vector<PciAddress> devices;
  for (const auto& device : host.devices) {
    if (device.passthrough && selects(policy, device.address, find_owner(host, device.address))) {
      devices.push_back(device.address);
    }
  }
  return devices;
}

/// Throws Error{usage} if the wait cannot end well.
void check_wait(const ApplyCommand& options) {
  if (options.wait_stable && *options.wait_stable > options.timeout) {
    throw Error(ErrorKind::usage,
                fmt::format("--wait-stable={:g}: longer than --timeout {:g}",
                            *options.wait_stable,
                            options.timeout),
                "give a longer --timeout");
  }
}

std::vector<PciAddress> devices_of(const Plan& plan) {
  std::set<PciAddress> devices;
  for (const auto& assignment : plan.assignments) {
    if (assignment.vector) {
      devices.insert(assignment.vector->device);
    }
  }
  return {devices.begin(), devices.end()};
}

/// Whose vectors to wait for: those of the plan, if there is one.
std::vector<PciAddress> awaited_devices(const ApplyCommand& options,
                                        const std::optional<Plan>& plan,
                                        const Context& context) {
  if (plan) {
    return devices_of(*plan);
  }
  const auto policy = policy_of(options.policy);
  auto quick = options.policy;
  quick.sample = 0;
  return selected_devices(read_host_for(context, quick, Detail::passthrough, false), policy);
}

void wait_for_vectors(const ApplyCommand& options,
                      const std::optional<Plan>& given,
                      const Context& context) {
  SettleOptions settle;
  settle.interrupted = [] { return SignalGuard::interrupted(); };
  settle.stable_for = milliseconds(*options.wait_stable);
  settle.timeout = milliseconds(options.timeout);
  const auto progress = progress_of(context, "waiting for the vectors to settle");
  if (progress) {
    settle.on_wait = [&](std::chrono::milliseconds since) {
      progress(options.timeout - std::chrono::duration<double>(since).count());
    };
  }
  const bool stable = wait_until_stable(
      context.sysfs, [&] { return awaited_devices(options, given, context); }, settle);
  if (progress) {
    progress(0);
  }
  if (!stable) {
    if (SignalGuard::interrupted()) {
      throw Error(ErrorKind::applying, "--wait-stable: interrupted; nothing was changed");
    }
    throw Error(ErrorKind::applying,
                fmt::format("--wait-stable: vectors still came and went after {:g} s; nothing was "
                            "changed",
                            options.timeout),
                "wait for the guest to finish booting, or give a longer --timeout");
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
ExitCode code_of(const ApplyReport& report) {
  switch (report.state) {
    case ApplyState::rolled_back:
      return ExitCode::failed;
    case ApplyState::partial:
      return ExitCode::partial;
    case ApplyState::dry_run:
      return std::ranges::any_of(report.outcomes, is_refused) ? ExitCode::failed : ExitCode::ok;
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

/// `told`: warnings that are printed already; the document holds them too.
ExitCode finish(ApplyReport report,
                const Plan& plan,
                const std::vector<std::string>& told,
                const Context& context) {
  std::ranges::move(stuck_warnings(plan, context.style.selection),
                    std::back_inserter(report.warnings));
  for (auto& warning : report.warnings) {
    warning = in_full(std::move(warning), context.style.program);
  }
  print_warnings(context, report.warnings);
  context.err << in_full(failures_text(report), context.style.program);
  report.warnings.insert(report.warnings.begin(), told.begin(), told.end());
  if (context.call.json) {
    context.out << apply_json(report);
  } else if (!context.call.quiet) {
    context.out << report_text(report, plan, context.style);
  }
  return code_of(report);
}

/// Plans, unless a plan is given. Throws where the plan's changes must not be made.
Proposal propose(const ApplyCommand& options,
                 const std::optional<Plan>& given,
                 const Context& context) {
  if (given) {
    check_plan_fits(*given, context, options.plan_file, options.force);
  }
  Proposal proposal{given ? *given : plan_for(context, options.policy).plan, {}, {}};
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

ApplyRequest request_of(const ApplyCommand& options,
                        const std::optional<Plan>& given,
                        const Context& context) {
  ApplyRequest request;
  request.propose = [&options, &given, &context] { return propose(options, given, context); };
  request.tell = [&context](const auto& warnings) { print_warnings(context, warnings); };
  request.dry_run = options.dry_run;
  request.lock_wait = wait_of(options.lock);
  request.options.keep_going = options.keep_going;
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
  if (!options.dry_run) {
    require_writable_root(context, "apply");
  }
  const auto given = options.plan_file.empty()
                         ? std::nullopt
                         : std::optional(plan_from_file(context, options.plan_file, options.force));
  if (given) {
    check_plan_fits(*given, context, options.plan_file, options.force);
  }
  if (options.wait_stable) {
    wait_for_vectors(options, given, context);
  }
  const auto session = session_of(context, read_host_id(context.sysfs));
  auto [proposal, report] = apply_plan(request_of(options, given, context), context.sysfs, session);
  return finish(std::move(report), proposal.plan, proposal.warnings, context);
}

}  // namespace irqtune
