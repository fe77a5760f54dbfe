// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "report/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace irqtune {

namespace {

/// Reasons are what the reader has come for: a terminal folds what is too long for it.
TextStyle whole(TextStyle style) {
  style.fold = false;
  return style;
}

std::string node_text(const std::optional<NodeId>& node) {
  return node ? fmt::format("{}", static_cast<std::uint32_t>(*node)) : "-";
}

std::string name_text(const Assignment& assignment) {
  return assignment.vector ? vector_text(*assignment.vector)
                           : printable(fmt::format("{}", fmt::join(assignment.actions, ", ")));
}

std::string known_text(const std::optional<CpuSet>& cpus) {
  return cpus ? list_text(cpus) : "unknown";
}

std::string verdict(const Assignment& assignment) {
  const auto to = list_text(assignment.to);
  if (assignment.blocked) {
    return fmt::format("stays on {} ({})", to, blocked_text(*assignment.blocked));
  }
  return assignment.change ? fmt::format("goes to cpu{}", to) : fmt::format("stays on cpu{}", to);
}

std::string title(const VectorExplanation& explanation, const TextStyle& style) {
  const auto& assignment = explanation.assignment;
  auto out = tinted(style,
                    Tint::bold,
                    fmt::format("IRQ {}, {}{}: {}",
                                static_cast<std::uint32_t>(assignment.irq),
                                name_text(assignment),
                                assignment.vm.empty() ? "" : " of " + printable(assignment.vm),
                                verdict(assignment)));
  out += fmt::format("\n  asked {}, on {}; {} vector, {}; home node {}\n",
                     known_text(assignment.from),
                     known_text(place_of(assignment.delivery, assignment.from_effective)),
                     role_text(assignment.role),
                     assignment.rate ? rate_text(assignment.rate) + "/s" : "rate unknown",
                     explanation.home ? node_text(explanation.home) : "unknown");
  for (const auto& line : explanation.why) {
    out += fmt::format("  {}\n", printable(line));
  }
  return out;
}

std::string candidates_text(const std::vector<CandidateFact>& candidates, const TextStyle& style) {
  Table table({{"CPU", Align::right},
               {"NODE", Align::right},
               {"DISTANCE", Align::right},
               {"THREAD"},
               {"VM'S CACHE"},
               {"LOAD/S", Align::right},
               {"VECTORS", Align::right},
               {"", Align::left}});
  for (const auto& candidate : candidates) {
    table.add({fmt::format("{}", candidate.cpu),
               node_text(candidate.node),
               candidate.distance ? fmt::format("{}", *candidate.distance) : "-",
               candidate.first_thread ? "first" : "sibling",
               candidate.shares_cache ? "yes" : "no",
               rate_text(candidate.load),
               fmt::format("{}", candidate.vectors),
               candidate.chosen ? "<- chosen" : ""});
  }
  return table.empty()
             ? std::string()
             : "\nCandidates, with what they carry once all is done:\n" + table.text(whole(style));
}

/// "cpu6: vCPU 2 of db1" for each; CPUs that one rule rejects in the same words share a line.
std::string rejected_text(const std::vector<RejectionFact>& rejected, const TextStyle& style) {
  std::map<std::string, CpuSet> by_rule;
  for (const auto& rejection : rejected) {
    const auto prefix = fmt::format("cpu{}: ", rejection.cpu);
    const std::string_view rule = rejection.rule;
    by_rule[std::string(rule.starts_with(prefix) ? rule.substr(prefix.size()) : rule)].insert(
        rejection.cpu);
  }
  std::vector<std::pair<CpuSet, std::string>> lines;
  lines.reserve(by_rule.size());
  for (const auto& [rule, cpus] : by_rule) {
    lines.emplace_back(cpus, rule);
  }
  std::ranges::sort(lines, {}, [](const auto& line) { return line.first.first(); });
  std::string out = lines.empty() ? "" : "\nRejected:\n";
  for (const auto& [cpus, rule] : lines) {
    const auto name = fmt::format("  cpu{}: ", cpus.to_list());
    out += name + folded(printable(rule), name.size(), style) + '\n';
  }
  return out;
}

std::string vectors_text(std::string_view what,
                         const std::vector<Assignment>& assignments,
                         const TextStyle& style) {
  if (assignments.empty()) {
    return fmt::format("\n{}: none of the vectors in scope.\n", what);
  }
  Table table({{"VECTOR"}, {"IRQ", Align::right}, {"RATE/S", Align::right}, {"VM"}, {"WHY"}});
  for (const auto& assignment : assignments) {
    table.add({cut(name_text(assignment), 40),
               fmt::format("{}", static_cast<std::uint32_t>(assignment.irq)),
               rate_text(assignment.rate),
               assignment.vm.empty() ? "-" : cut(printable(assignment.vm), 16),
               assignment.reason});
  }
  return fmt::format("\n{}:\n{}", what, table.text(whole(style)));
}

}  // namespace

std::string explain_text(const VectorExplanation& explanation, const TextStyle& style) {
  return title(explanation, style) + candidates_text(explanation.candidates, style) +
         rejected_text(explanation.rejected, style);
}

std::string explain_text(const CpuExplanation& explanation, const TextStyle& style) {
  const auto* const state = !explanation.online        ? "offline"
                            : explanation.housekeeping ? "housekeeping: may take vectors"
                                                       : "takes no vectors";
  auto out = tinted(style, Tint::bold, fmt::format("cpu{}: {}", explanation.cpu, state)) + '\n';
  for (const auto& rule : explanation.rules) {
    out += fmt::format("  {}\n", printable(rule));
  }
  if (explanation.load_before && explanation.load_after) {
    out += fmt::format("  interrupt load {}/s -> {}/s\n",
                       rate_text(explanation.load_before),
                       rate_text(explanation.load_after));
  }
  return out + vectors_text("Now", explanation.before, style) +
         vectors_text("Planned", explanation.after, style);
}

std::string explain_text(const DeviceExplanation& explanation, const TextStyle& style) {
  auto out = tinted(style,
                    Tint::bold,
                    fmt::format("{}{}, node {}: {}",
                                explanation.device.to_string(),
                                explanation.vm.empty() ? "" : " of " + printable(explanation.vm),
                                node_text(explanation.node),
                                counted(explanation.vectors.size(), "vector"))) +
             '\n';
  for (const auto& vector : explanation.vectors) {
    out += '\n' + title(vector, style);
  }
  if (!explanation.vectors.empty()) {
    out += rejected_text(explanation.vectors.front().rejected, style);
  }
  return out;
}

}  // namespace irqtune
