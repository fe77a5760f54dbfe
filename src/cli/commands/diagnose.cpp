// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/diagnose.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/diagnose/esx.h"
#include "irqtune/diagnose/ids.h"
#include "irqtune/plan/planner.h"
#include "irqtune/read/interrupts/esx.h"
#include "irqtune/read/settings/settings.h"
#include "irqtune/report/esx.h"

#include "cli/failures.h"
#include "cli/selection.h"
#include "cli/support.h"
#include "sys/input_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <ostream>

namespace irqtune {

namespace {

using Texts = std::vector<std::string>;

/// Throws Error{usage} with the nearest spelling and the list if an id is none.
void check_ids(std::string_view option, const Texts& ids) {
  const Texts known(kFindingIds.begin(), kFindingIds.end());
  for (const auto& id : ids) {
    if (std::ranges::find(known, id) != known.end()) {
      continue;
    }
    const auto nearest = nearest_name(id, known);
    throw Error(ErrorKind::usage,
                fmt::format("{} {}: no such finding", option, printable(id)),
                fmt::format("{}there are: {}",
                            nearest.empty() ? "" : fmt::format("did you mean {}? ", nearest),
                            fmt::join(known, ", ")));
  }
}

bool contains(const Texts& texts, const std::string& text) {
  return std::ranges::find(texts, text) != texts.end();
}

/// Is the finding about what --device and --vm select? One that names neither devices nor VMs is
/// about the host.
bool is_selected(const Finding& finding, const Policy& policy) {
  const bool device = policy.devices.empty() || finding.devices.empty() ||
                      std::ranges::any_of(finding.devices, [&](const PciAddress& address) {
                        return matches_any(policy.devices, address.to_string());
                      });
  const bool vm = policy.vms.empty() || finding.vms.empty() ||
                  std::ranges::any_of(finding.vms, [&](const std::string& name) {
                    return matches_any(policy.vms, name);
                  });
  return device && vm;
}

void keep_chosen(const DiagnoseOptions& options, std::vector<Finding>& findings) {
  std::erase_if(findings, [&](const Finding& finding) {
    return (!options.only.empty() && !contains(options.only, finding.id)) ||
           contains(options.skip, finding.id);
  });
}

std::string looked_at(const Host& host) {
  if (host.irqs.empty()) {
    return {};
  }
  const auto vectors = static_cast<std::size_t>(
      std::ranges::count_if(host.irqs, [](const Irq& irq) { return irq.vector.has_value(); }));
  return fmt::format("{}, {}, {}",
                     counted(host.irqs.size(), "interrupt"),
                     counted(vectors, "passthrough vector"),
                     counted(host.vms.size(), "VM"));
}

/// What --rebalance would come to, where the plan by itself leaves something to wish for.
std::optional<double> rebalanced_rate(const Host& host, Policy policy, const Plan& plan) {
  constexpr double kNear = 1.25;  // Of the bound: nothing is said of less.
  const auto planned = plan.after.max_cpu_rate.value_or(0);
  if (policy.rebalance || planned <= kNear * plan.lower_bound.value_or(planned)) {
    return std::nullopt;
  }
  policy.rebalance = true;
  return make_plan(host, policy).after.max_cpu_rate;
}

/// True if the option must not stand behind the command: it has it, or it is about the whole host.
bool is_settled(const std::string& command, const std::string& option) {
  const auto words = fmt::format("{} ", command);
  const auto has = [&](std::string_view name) {
    return words.find(fmt::format(" {} ", name)) != std::string::npos;
  };
  const bool selects = option == "--vm" || option == "--device";
  const bool repeatable = option == "--assume-node";
  return (has(option) && !repeatable) ||
         (selects && (has("--vm") || has("--device") || has("--scope")));
}

/// What was found rests on the options that were typed: apply does away with it under the same.
/// The step as it is to be typed for the same host.
std::string carrying(const std::string& step,
                     const std::vector<TypedOption>& typed,
                     const std::string& program) {
  constexpr std::string_view kProgram = "irqtune ";
  auto whole = step;
  const bool plans = step.starts_with("irqtune apply") || step.starts_with("irqtune plan");
  for (const auto& option : typed) {
    whole += plans && !is_settled(step, option.name) ? option.text : std::string();
  }
  whole = in_full(std::move(whole), program);
  if (whole.starts_with(kProgram)) {
    whole.replace(0, kProgram.size() - 1, program);
  }
  return whole;
}

/// Each remedy as it is to be typed for the same host.
void carry_options(const Context& context, std::vector<Finding>& findings) {
  auto typed = context.call.typed;
  if (!context.sysfs.in_memory()) {  // Else the program's name does not tell the file.
    std::erase_if(typed, [](const TypedOption& option) { return option.name == "--config"; });
  }
  for (auto& finding : findings) {
    for (auto& step : finding.remedy) {
      step = carrying(step, typed, context.style.program);
    }
  }
}

Diagnosis diagnose_host(const DiagnoseOptions& options, const Context& context) {
  auto policy = policy_of(options.policy);
  auto host = read_host_for(context, options.policy, Detail::devices, false);
  settle_selection(host, policy, context.call);
  const auto plan = make_plan(host, policy);
  const auto settings = read_settings(context.sysfs, host);
  Diagnosis diagnosis{host.id, {}, looked_at(host), false, host.warnings};
  diagnosis.findings = diagnose({host,
                                 plan.protections,
                                 plan,
                                 settings,
                                 options.shared_rate,
                                 rebalanced_rate(host, policy, plan)});
  std::erase_if(diagnosis.findings,
                [&](const Finding& finding) { return !is_selected(finding, policy); });
  carry_options(context, diagnosis.findings);
  return diagnosis;
}

/// Throws Error{usage} if there is no table in the file.
EsxTable read_esx_table(const std::string& file, std::string_view option) {
  constexpr std::string_view kTable = "a copy of a classic ESX host's /proc/vmware/interrupts";
  auto table = parse_esx_interrupts(read_input(file, option, kTable));
  if (table.lines.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: no table of interrupts", input_name(file)),
                fmt::format("give {}", kTable));
  }
  return table;
}

Diagnosis diagnose_esx_files(const DiagnoseOptions& options, std::vector<EsxChange>& changes) {
  const auto table = read_esx_table(options.esx, "--esx");
  if (!options.against.empty()) {
    changes = compare_esx(read_esx_table(options.against, "--against"), table);
  }
  EsxConsole console;
  if (!options.esx_console.empty()) {
    console = parse_esx_console(read_input(
        options.esx_console, "--esx-console", "a copy of the service console's /proc/interrupts"));
  }
  Diagnosis diagnosis;
  diagnosis.findings =
      diagnose_esx({table, options.esx_console.empty() ? nullptr : &console, options.shared_count});
  diagnosis.looked_at = counted(table.lines.size(), "interrupt line");
  diagnosis.warnings = table.warnings;
  diagnosis.warnings.insert(
      diagnosis.warnings.end(), console.warnings.begin(), console.warnings.end());
  return diagnosis;
}

/// A line for each that was shared; empty of none.
std::string changes_text(const std::vector<EsxChange>& changes) {
  std::string text;
  for (const auto& change : changes) {
    text += fmt::format("{}\n", change_text(change));
  }
  return text.empty() ? text : fmt::format("Lines that were shared:\n{}\n", text);
}

/// Is there a finding of the severity that --fail-on names, or a worse one?
bool fails(const std::vector<Finding>& findings, const std::string& fail_on) {
  constexpr std::array kSeverities = {Severity::info, Severity::warning, Severity::critical};
  const auto* const least = fail_on == "note"
                                ? kSeverities.begin()
                                : std::ranges::find(kSeverities, fail_on, severity_text);
  return least != kSeverities.end() && std::ranges::any_of(findings, [&](const Finding& finding) {
           return finding.severity >= *least;
         });
}

}  // namespace

ExitCode run(const DiagnoseOptions& options, const Context& context) {
  check_ids("--only", options.only);
  check_ids("--skip", options.skip);
  std::vector<EsxChange> changes;
  auto diagnosis =
      options.esx.empty() ? diagnose_host(options, context) : diagnose_esx_files(options, changes);
  keep_chosen(options, diagnosis.findings);
  diagnosis.chosen = !options.only.empty() || !options.skip.empty();
  print_warnings(context, diagnosis.warnings);
  if (context.call.json) {
    context.out << diagnosis_json(diagnosis, changes);
  } else if (!context.call.quiet) {
    context.out << changes_text(changes) << diagnosis_text(diagnosis, context.style);
  }
  return fails(diagnosis.findings, options.fail_on) ? ExitCode::differs : ExitCode::ok;
}

}  // namespace irqtune
