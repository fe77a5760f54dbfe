// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "report/text/table.h"
#include "report/text/text_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace irqtune {

namespace {

/// Whose command it is, where the plan is of a snapshot.
std::string host_note(const Plan& plan, const TextStyle& style) {
  return style.snapshot ? " on " + printable(plan.host.hostname.value_or("that host"))
                        : std::string();
}

std::string headline(const Plan& plan, const TextStyle& style) {
  const auto changes = change_count(plan);
  if (plan.assignments.empty()) {
    return "No passthrough vectors in scope: nothing to plan.\n";
  }
  const auto now = fmt::format("{} of {} on a vCPU's core{}, {} on a remote node.",
                               plan.before.collisions,
                               counted(plan.before.vectors, "vector"),
                               unknown_text(plan.before.unknown),
                               plan.before.remote);
  const auto tint = plan.before.collisions > 0 ? Tint::red
                    : plan.before.unknown > 0  ? Tint::yellow
                                               : Tint::green;
  const auto next = changes == 0 ? std::string("Nothing to change.")
                                 : fmt::format("The plan changes {}; apply it{} with: {} apply{}",
                                               counted(changes, "affinity mask"),
                                               host_note(plan, style),
                                               style.program,
                                               style.selection);
  return fmt::format("{}\n{}\n", tinted(style, tint, now), next);
}

std::string count_line(std::string_view what, std::size_t before, std::size_t after) {
  return fmt::format("  {:<34}{:>8} -> {}\n", what, before, after);
}

std::string score_text(const Plan& plan) {
  auto out = count_line("vectors on vCPU cores", plan.before.collisions, plan.after.collisions);
  if (plan.before.unknown > 0 || plan.after.unknown > 0) {
    out += count_line("vectors in places unknown", plan.before.unknown, plan.after.unknown);
  }
  out += count_line("vectors on a remote node", plan.before.remote, plan.after.remote);
  if (plan.before.unknown_node > 0) {
    out += fmt::format("  {:<34}{:>8}\n", "vectors of unknown node", plan.before.unknown_node);
  }
  if (plan.before.max_cpu_rate && plan.after.max_cpu_rate) {
    out += fmt::format("  {:<34}{:>6}/s -> {}/s{}\n",
                       "busiest housekeeping CPU",
                       rate_text(plan.before.max_cpu_rate),
                       rate_text(plan.after.max_cpu_rate),
                       plan.lower_bound.value_or(0.0) > 0.0
                           ? fmt::format(" (no plan below {}/s)", rate_text(plan.lower_bound))
                           : std::string());
    out += fmt::format("  {:<34}{:>6}/s -> {}/s\n",
                       "spread over them (std. deviation)",
                       rate_text(plan.before.rate_stdev),
                       rate_text(plan.after.rate_stdev));
  }
  out += count_line("CPUs that take them", plan.before.cpus_used, plan.after.cpus_used);
  return out;
}

std::string cpus_text(const Plan& plan) {
  return fmt::format("Protected CPUs: {}. Housekeeping CPUs: {}.{}\n",
                     list_text(plan.protected_cpus),
                     list_text(plan.housekeeping),
                     plan.pool.empty() ? "" : fmt::format(" Pool CPUs: {}.", plan.pool.to_list()));
}

/// What was asked for, and by whom.
std::string policy_line(const Plan& plan, const TextStyle& style) {
  const auto text = fmt::format("Policy: {}, scope {}{}{}.",
                                policy_text(plan.policy.policy),
                                scope_text(plan.policy.scope),
                                style.options.empty() ? "" : "; ",
                                printable(fmt::format("{}", fmt::join(style.options, ", "))));
  return folded(text, 0, style) + '\n';
}

std::string place_text(const Assignment& assignment) {
  constexpr std::size_t kWidest = 18;
  const auto asked = list_text(assignment.from);
  const auto at = list_text(place_of(assignment.delivery, assignment.from_effective));
  return asked == at ? cut(asked, kWidest) : fmt::format("{} (on {})", cut(asked, kWidest), at);
}

/// "msix/3"; the handler names where no passthrough vector is behind them.
std::string name_text(const Assignment& assignment) {
  const auto& vector = assignment.vector;
  if (!vector) {
    return printable(fmt::format("{}", fmt::join(assignment.actions, ", ")));
  }
  return index_text(*vector);
}

std::string device_text(const Assignment& assignment) {
  return assignment.device ? assignment.device->to_string() : "no PCI device";
}

std::string owner_text(const Assignment& assignment) {
  return assignment.vm.empty() ? std::string(assignment.vector ? "no VM" : "host")
                               : printable(assignment.vm);
}

std::string group_text(const Assignment& assignment) {
  return fmt::format("{} {}", owner_text(assignment), device_text(assignment));
}

std::string target_text(const Assignment& assignment) {
  if (assignment.blocked) {
    return "stays";
  }
  return assignment.change ? "-> " + assignment.to.to_list() : "stays";
}

Table assignments_table(const Plan& plan, const TextStyle& style) {
  auto order = plan.assignments;
  std::ranges::stable_sort(order, [](const Assignment& a, const Assignment& b) {
    return std::tie(a.device, a.vector, a.irq) < std::tie(b.device, b.vector, b.irq);
  });
  const bool grouped = !style.flat && style.headings && style.columns.empty();
  std::vector<Table::Column> columns;
  if (!grouped) {
    columns = {{"VM"}, {"DEVICE"}};
  }
  columns.insert(
      columns.end(),
      {{"VECTOR"}, {"IRQ", Align::right}, {"RATE/S", Align::right}, {"NOW"}, {"PLAN"}, {"WHY"}});
  Table table(std::move(columns));
  std::string group;
  for (const auto& assignment : order) {
    if (grouped && group_text(assignment) != group) {
      group = group_text(assignment);
      table.add_heading(tinted(style, Tint::bold, group));
    }
    std::vector<std::string> cells;
    if (!grouped) {
      cells = {cut(owner_text(assignment), 16), device_text(assignment)};
    }
    cells.insert(cells.end(),
                 {(grouped ? "  " : "") + cut(name_text(assignment), 24),
                  fmt::format("{}", static_cast<std::uint32_t>(assignment.irq)),
                  rate_text(assignment.rate),
                  place_text(assignment),
                  target_text(assignment),
                  printable(assignment.reason)});
    table.add(std::move(cells));
  }
  return table;
}

}  // namespace

std::string plan_text(const Plan& plan, const Host& host, const TextStyle& style) {
  const auto summary = headline(plan, style);
  auto out = summary;
  const auto table = assignments_table(plan, style);
  if (!plan.assignments.empty()) {
    out += '\n' + score_text(plan) + '\n' + cpus_text(plan) + policy_line(plan, style) +
           rates_line(host) + '\n' + table.text(style);
  }
  if (plan.default_affinity) {
    out += fmt::format("\nDefault for new vectors, host-wide: {} -> {}\n",
                       list_text(plan.default_affinity->from),
                       plan.default_affinity->to.to_list());
  }
  if (plan.managed_left_out > 0) {
    out += fmt::format("\nLeft out: {} of host devices (queues that the kernel manages).\n",
                       counted(plan.managed_left_out, "managed interrupt"));
  }
  return out + summary_again(summary, table.size(), style);
}

}  // namespace irqtune
