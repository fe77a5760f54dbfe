// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/apply/plan_file.h"
#include "irqtune/apply/settle.h"
#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/diagnose/diagnose.h"
#include "irqtune/read/meddlers.h"
#include "irqtune/read/settings.h"

#include "cli/failures.h"
#include "cli/support.h"
#include "sys/input_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ostream>
#include <set>
#include <utility>

namespace irqtune {

namespace {

constexpr std::size_t kLargestPlan = std::size_t{128} << 20;

std::chrono::milliseconds milliseconds(double seconds) {
  constexpr double kMilli = 1000;
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * kMilli));
}

/// The passthrough devices that the options select.
std::vector<PciAddress> selected_devices(const Host& host, const Policy& policy) {
  const auto any_glob = [](const std::vector<std::string>& globs, const std::string& text) {
    return globs.empty() ||
           std::ranges::any_of(globs, [&](const auto& glob) { return matches_glob(glob, text); });
  };
  std::vector<PciAddress> devices;
  for (const auto& device : host.devices) {
    const auto* owner = find_owner(host, device.address);
    const bool of_vm =
        policy.vms.empty() || (owner != nullptr && any_glob(policy.vms, owner->name));
    if (device.passthrough && of_vm && any_glob(policy.devices, device.address.to_string())) {
      devices.push_back(device.address);
    }
  }
  return devices;
}

void wait_for_vectors(const ApplyCommand& options, const Context& context) {
  const auto policy = policy_of(options.policy);
  auto quick = options.policy;
  quick.sample.reset();
  const auto host = read_host_for(context, quick, Detail::passthrough, false);
  SettleOptions settle;
  const SignalGuard signals;
  settle.interrupted = [] { return SignalGuard::interrupted(); };
  settle.stable_for = milliseconds(*options.wait_stable);
  settle.timeout = milliseconds(options.timeout);
  if (const auto progress = progress_of(context, "waiting for the vectors to settle")) {
    settle.on_wait = [&, progress](std::chrono::milliseconds since) {
      progress(options.timeout - std::chrono::duration<double>(since).count());
    };
  }
  if (!wait_until_stable(context.sysfs, selected_devices(host, policy), settle)) {
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

/// Throws Error{usage} if the plan is not what irqtune made, or made on another host.
void check_origin(const Plan& plan,
                  const std::optional<std::string>& digest,
                  const std::optional<std::string>& hostname,
                  const std::string& path) {
  constexpr auto kHint = "make a new plan on this host, or carry it out as it stands with --force";
  if (digest && *digest != plan_digest(plan)) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{}: was changed after it was made: not the digest of its changes", path),
        kHint);
  }
  if (hostname && plan.host.hostname && *hostname != *plan.host.hostname) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: was made on {}, and this is {}",
                            path,
                            printable(*plan.host.hostname),
                            printable(*hostname)),
                kHint);
  }
}

/// Throws Error{usage} if the plan wants a CPU that is not online (any more).
void check_online(const Plan& plan, const Sysfs& sysfs, const std::string& path) {
  const auto text = sysfs.read("/sys/devices/system/cpu/online");
  const auto online = text ? CpuSet::parse_list(*text) : std::nullopt;
  for (const auto& assignment : plan.assignments) {
    if (online && assignment.change && !online->contains_all(assignment.to)) {
      throw Error(ErrorKind::usage,
                  fmt::format("{}: IRQ {} to CPU {}: not online",
                              path,
                              static_cast<std::uint32_t>(assignment.irq),
                              assignment.to.to_list()),
                  "make a new plan");
    }
  }
}

/// A plan from a file names what it needs by key, so that it holds on a host that moved on.
Plan plan_from_file(const Context& context, const std::string& path, bool force) {
  const auto file = read_input_file(path, kLargestPlan);
  if (!file.text) {
    throw Error::system(ErrorKind::usage,
                        path,
                        "cannot read the plan",
                        file.error,
                        "give a plan as `irqtune plan -o FILE` wrote it");
  }
  auto plan = parse_plan(*file.text, path);
  const auto id = read_host_id(context.sysfs);
  if (!force) {
    check_origin(plan, recorded_digest(*file.text), id.hostname, path);
  }
  check_online(plan, context.sysfs, path);
  if (id.boot_id && plan.host.boot_id && id.boot_id != plan.host.boot_id) {
    plan.warnings.push_back(
        fmt::format("{}: made in another boot of a host; vectors are found by their key", path));
  }
  return plan;
}

/// The drivers of the devices that the plan moves vectors of.
std::vector<std::string> drivers_of(const Plan& plan, const Sysfs& sysfs) {
  std::set<std::string> drivers;
  for (const auto& assignment : plan.assignments) {
    if (assignment.change && assignment.device) {
      const auto link =
          fmt::format("/sys/bus/pci/devices/{}/driver", assignment.device->to_string());
      drivers.insert(sysfs.link_name(link).value_or("vfio-pci"));
    }
  }
  return {drivers.begin(), drivers.end()};
}

/// What to say of programs that would undo the work; refuses if `strict`.
std::vector<std::string> meddler_warnings(const Plan& plan, bool strict, const Sysfs& sysfs) {
  std::vector<std::string> warnings;
  for (const auto& meddler : find_meddlers(sysfs, drivers_of(plan, sysfs))) {
    if (!meddler.would_undo) {
      continue;
    }
    if (strict) {
      throw Error(ErrorKind::applying,
                  fmt::format("--strict: {} (pid {}) runs and would undo this; nothing was changed",
                              meddler.name,
                              meddler.pid),
                  fmt::format("{}", fmt::join(meddler.advice, " | ")));
    }
    warnings.insert(warnings.end(), meddler.advice.begin(), meddler.advice.end());
  }
  return warnings;
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
                "boot a kernel with the fix or without posted_msi (irqtune diagnose --only "
                "posted-msi-clobber), or go on with --force");
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
  const bool nothing = report.outcomes.empty() && plan.assignments.empty() && !plan.default_affinity;
  return nothing ? "No passthrough vectors in scope: nothing to do.\n" : apply_text(report, style);
}

/// `told`: warnings that are printed already; the document holds them too.
ExitCode finish(ApplyReport report,
                const Plan& plan,
                const std::vector<std::string>& told,
                const Context& context) {
  print_warnings(context, report.warnings);
  context.err << failures_text(report);
  report.warnings.insert(report.warnings.begin(), told.begin(), told.end());
  if (context.call.json) {
    context.out << apply_json(report);
  } else if (!context.call.quiet) {
    context.out << report_text(report, plan, context.style);
  }
  return code_of(report);
}

ApplyReport carry_out(const Plan& plan, const ApplyCommand& options, const Context& context) {
  auto session = session_of(context, read_host_id(context.sysfs));
  session.plan_digest = plan_digest(plan);
  ApplyOptions apply_options;
  apply_options.keep_going = options.keep_going;
  apply_options.force = options.force;
  apply_options.verify_timeout = milliseconds(options.verify_timeout);
  const SignalGuard signals;
  apply_options.interrupted = [] { return SignalGuard::interrupted(); };
  const Lock lock(session.state_dir, wait_of(options.lock), session.root);
  return apply(writes_for(plan), context.sysfs, session, apply_options);
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
  if (!options.dry_run) {
    require_writable_root(context, "apply");
  }
  if (options.wait_stable) {
    wait_for_vectors(options, context);
  }
  const auto plan = options.plan_file.empty()
                        ? plan_for(context, options.policy).plan
                        : plan_from_file(context, options.plan_file, options.force);
  const bool changes = change_count(plan) > 0;
  auto warnings = changes ? posting_warnings(options, context.sysfs) : std::vector<std::string>();
  warnings.insert(warnings.end(), plan.warnings.begin(), plan.warnings.end());
  const auto why = changes && !context.sysfs.in_memory() ? why_not_writable(context.sysfs)
                                                        : std::nullopt;
  if (why && options.dry_run) {
    warnings.push_back(*why);
  } else if (why) {
    throw Error(ErrorKind::applying, *why);
  }
  if (changes && !options.dry_run) {
    const auto meddlers = meddler_warnings(plan, options.strict, context.sysfs);
    warnings.insert(warnings.end(), meddlers.begin(), meddlers.end());
  }
  print_warnings(context, warnings);  // Before anything is written.
  ApplyReport report;
  if (options.dry_run) {
    report = dry_run(writes_for(plan), context.sysfs);
  } else if (changes) {
    report = carry_out(plan, options, context);
  }
  return finish(std::move(report), plan, warnings, context);
}

}  // namespace irqtune
