// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "report/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>
#include <vector>

namespace irqtune {

namespace {

std::string name_text(const Outcome& outcome) {
  const auto& identity = outcome.write.identity;
  if (!identity) {
    return "default_smp_affinity";
  }
  return identity->vector ? index_text(*identity->vector)
                          : printable(fmt::format("{}", fmt::join(identity->actions, ", ")));
}

/// "msix/3"; the handler names of what is no passthrough vector.
std::string name_text(const DriftEntry& entry) {
  if (!entry.irq) {
    return "default_smp_affinity";
  }
  const auto names = printable(fmt::format("{}", fmt::join(entry.actions, ", ")));
  return entry.vector ? index_text(*entry.vector) : names.empty() ? "-" : names;
}

std::string device_text(const std::optional<PciAddress>& device) {
  return device ? device->to_string() : "-";
}

/// In the order of a plan's table: by device and vector, the default mask last.
std::vector<Outcome> in_order(std::vector<Outcome> outcomes) {
  const auto key = [](const Outcome& outcome) {
    const auto& identity = outcome.write.identity;
    return std::tuple(!identity,
                      device_of(outcome.write),
                      identity ? identity->vector : std::optional<VectorId>(),
                      outcome.irq);
  };
  std::ranges::stable_sort(outcomes, {}, key);
  return outcomes;
}

std::vector<DriftEntry> in_order(std::vector<DriftEntry> entries) {
  const auto key = [](const DriftEntry& entry) {
    return std::tuple(!entry.irq, entry.device, entry.vector, entry.irq);
  };
  std::ranges::stable_sort(entries, {}, key);
  return entries;
}

std::string irq_text(const Outcome& outcome) {
  return outcome.write.identity ? fmt::format("{}", static_cast<std::uint32_t>(outcome.irq)) : "-";
}

std::size_t count_if(const ApplyReport& report, bool (*claim)(const Outcome&)) {
  return static_cast<std::size_t>(std::ranges::count_if(report.outcomes, claim));
}

bool is_changed(const Outcome& outcome) {
  return is_success(outcome.state) && outcome.state != WriteState::unchanged;
}

bool is_not_tried(const Outcome& outcome) {
  return outcome.aftermath == Aftermath::not_tried;
}

/// What the table names under --verbose only.
bool is_left_out(const Outcome& outcome) {
  return outcome.state == WriteState::unchanged || is_not_tried(outcome);
}

std::string rollback_headline(const ApplyReport& report, const TextStyle& style) {
  const auto done = count_if(report, is_changed);
  const auto gone = count_if(report, [](const Outcome& outcome) { return is_gone(outcome.state); });
  const auto left = count_if(report, [](const Outcome& outcome) {
    return !is_success(outcome.state) && !is_gone(outcome.state);
  });
  if (report.state == ApplyState::nothing_to_do) {
    return fmt::format("Nothing to roll back: {} is rolled back already.", report.id);
  }
  if (report.outcomes.empty() && !report.problem.empty()) {
    return tinted(style, Tint::red, fmt::format("Not rolled back: {}.", report.id));
  }
  if (report.state == ApplyState::dry_run) {
    return fmt::format("Dry run of {}: {} would be restored; nothing was written.",
                       report.id,
                       counted(done, "affinity mask"));
  }
  auto out = fmt::format("Rolled back {}: {} restored", report.id, counted(done, "affinity mask"));
  out += gone > 0 ? fmt::format(", {} gone with their vectors", gone) : "";
  return left == 0 ? tinted(style, Tint::green, out + ".")
                   : tinted(style, Tint::red, fmt::format("{}, {} left (see below).", out, left));
}

std::string headline(const ApplyReport& report, const TextStyle& style) {
  const auto changed = count_if(report, is_changed);
  const auto refused = count_if(report, is_refused);
  switch (report.state) {
    case ApplyState::committed:
      return tinted(style,
                    Tint::green,
                    fmt::format("Applied {}. Undo with: {} rollback {}",
                                counted(changed, "affinity mask"),
                                style.program,
                                report.id));
    case ApplyState::rolled_back:
      return tinted(style,
                    Tint::red,
                    refused == 0 ? std::string("Interrupted; everything is as it was.")
                                 : fmt::format("{} could not be set; everything is as it was.",
                                               counted(refused, "affinity mask")));
    case ApplyState::partial:
      return tinted(style,
                    Tint::red,
                    fmt::format("{} done, {} not (listed below).{}",
                                changed,
                                refused,
                                report.id.empty() ? "" : fmt::format(" Journal: {}", report.id)));
    case ApplyState::dry_run:
      return fmt::format("Dry run: {} would change; nothing was written.",
                         counted(changed, "affinity mask"));
    case ApplyState::nothing_to_do:
      break;
  }
  return tinted(style, Tint::green, "Nothing to do: every vector is where it should be.");
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : printable(text);
}

/// What an admin should know of an apply that is not simply done or undone.
std::string history_note(const HistoryEntry& entry, const TextStyle& style) {
  if (!entry.problem.empty()) {
    return entry.problem;
  }
  if (!entry.this_boot) {
    return "another boot: its masks are gone";
  }
  if (!entry.other_root.empty()) {
    return fmt::format("of the root {}: rolled back with its --root only", entry.other_root);
  }
  return entry.state == JournalState::open
             ? fmt::format("interrupted; undo it with: {} rollback {}", style.program, entry.id)
             : std::string();
}

std::string number_text(const DriftEntry& entry) {
  return entry.irq ? fmt::format("{}", static_cast<std::uint32_t>(*entry.irq)) : "default";
}

/// Names what someone moved and the plan accepts; empty if there is none.
std::string moved_note(const std::vector<DriftEntry>& moved, const TextStyle& style) {
  if (moved.empty()) {
    return {};
  }
  std::vector<std::string> numbers;
  std::ranges::transform(moved, std::back_inserter(numbers), number_text);
  const auto note = fmt::format("{} moved since the apply, to CPUs that are as good: IRQ {}",
                                counted(moved.size(), "mask"),
                                fmt::join(numbers, ", "));
  return folded(note, 0, style) + '\n';
}

/// Names what a plan would place otherwise, for balance alone.
std::string elsewhere_note(const std::vector<DriftEntry>& elsewhere, const TextStyle& style) {
  if (elsewhere.empty()) {
    return {};
  }
  std::vector<std::string> numbers;
  std::ranges::transform(elsewhere, std::back_inserter(numbers), number_text);
  const auto note =
      fmt::format("{} a plan would put on other CPUs, as good but for balance: IRQ {}",
                  counted(elsewhere.size(), "vector"),
                  fmt::join(numbers, ", "));
  return folded(note, 0, style) + '\n';
}

std::string in_place_headline(const Plan& plan, const TextStyle& style) {
  if (plan.assignments.empty() && !plan.default_affinity) {
    return "No passthrough vectors in scope: nothing to check.\n";
  }
  const auto unknown = plan.before.unknown;
  const auto vectors = counted(plan.before.vectors, "vector");
  if (unknown > 0) {
    return fmt::format(
        "In place as far as is known: {}, {} of them on unknown CPUs.\n", vectors, unknown);
  }
  return tinted(
             style,
             Tint::green,
             fmt::format("In place: {}, {} on a vCPU's core.", vectors, plan.before.collisions)) +
         '\n';
}

/// How to end what an apply with these options would not.
std::string stay_note(const Drift& drift, std::size_t stay, const TextStyle& style) {
  const bool default_mask = std::ranges::any_of(
      drift.entries, [](const DriftEntry& entry) { return !entry.irq && !entry.by_apply; });
  const auto others = stay - (default_mask ? 1U : 0U);
  std::string out;
  if (default_mask) {
    out += fmt::format("\nThe default mask is put right with: {} apply --repair{}",
                       style.program,
                       drift.default_options);
  }
  if (others > 0) {
    out += fmt::format(
        "\n{} of them no apply with these options would change: apply with the options "
        "of then,\nor take the old masks back with: {} rollback --force",
        others,
        style.program);
  }
  return out;
}

std::string drift_headline(const Drift& drift, const TextStyle& style) {
  const auto& entries = drift.entries;
  const bool vectors_only = std::ranges::all_of(
      entries, [](const DriftEntry& entry) { return entry.vector.has_value(); });
  const auto what = counted(entries.size(), vectors_only ? "vector" : "mask");
  const auto stay =
      static_cast<std::size_t>(std::ranges::count(entries, false, &DriftEntry::by_apply));
  const auto command = fmt::format("put right with: {} apply{}", style.program, style.selection);
  if (stay == 0) {
    return tinted(style, Tint::red, fmt::format("{} not in place; {}", what, command)) + '\n';
  }
  const auto most = stay == entries.size()
                        ? std::string()
                        : fmt::format("\n{} of them {}", entries.size() - stay, command);
  return tinted(style, Tint::red, fmt::format("{} not in place.", what)) + most +
         stay_note(drift, stay, style) + '\n';
}

}  // namespace

std::string apply_text(const ApplyReport& report, const TextStyle& style) {
  const auto summary =
      (report.rollback ? rollback_headline(report, style) : headline(report, style)) + '\n';
  auto out = summary;
  Table table({{"VM"},
               {"DEVICE"},
               {"VECTOR"},
               {"IRQ", Align::right},
               {"FROM"},
               {"TO"},
               {"STATE"},
               {"NOTE"}});
  for (const auto& outcome : in_order(report.outcomes)) {
    if (!style.verbose && is_left_out(outcome)) {
      continue;
    }
    const bool both = !outcome.error.empty() && !outcome.hint.empty();
    const auto note = fmt::format("{}{}{}", outcome.error, both ? "; " : "", outcome.hint);
    table.add({outcome.write.vm.empty() ? "-" : cut(printable(outcome.write.vm), 16),
               device_text(device_of(outcome.write)),
               cut(name_text(outcome), 24),
               irq_text(outcome),
               report.rollback ? outcome.write.after.to_list() : cut(outcome.write.before, 16),
               report.rollback ? cut(outcome.write.before, 16) : outcome.write.after.to_list(),
               std::string(write_state_text(outcome.state)),
               printable(note)});
  }
  out += table.empty() ? "" : '\n' + table.text(style);
  const auto not_tried = count_if(report, is_not_tried);
  out += not_tried == 0 || style.verbose
             ? ""
             : fmt::format("\n{} not tried, because the run ended before.\n",
                           counted(not_tried, "mask"));
  return out + summary_again(summary, table.size(), style);
}

std::string check_text(const Plan& plan, const Drift& drift, const TextStyle& style) {
  const auto note = moved_note(drift.moved, style) + elsewhere_note(drift.elsewhere, style);
  if (drift.entries.empty()) {
    return in_place_headline(plan, style) + note;
  }
  Table table(
      {{"VM"}, {"DEVICE"}, {"VECTOR"}, {"IRQ", Align::right}, {"EXPECTED"}, {"NOW"}, {"WHY"}});
  for (const auto& entry : in_order(drift.entries)) {
    table.add({entry.vm.empty() ? "-" : cut(printable(entry.vm), 16),
               device_text(entry.device),
               cut(name_text(entry), 24),
               entry.irq ? fmt::format("{}", static_cast<std::uint32_t>(*entry.irq)) : "-",
               entry.expected.to_list(),
               cut(list_text(entry.actual), 16),
               printable(entry.reason)});
  }
  const auto summary = drift_headline(drift, style);
  return summary + note + '\n' + table.text(style) + summary_again(summary, table.size(), style);
}

std::string history_text(const std::vector<HistoryEntry>& entries, const TextStyle& style) {
  if (entries.empty()) {
    return "Nothing has been applied on this host.\n";
  }
  Table table({{"ID"},
               {"STATE"},
               {"WRITTEN", Align::right},
               {"UNDONE", Align::right},
               {"FINISHED"},
               {"PLAN"},
               {"BY"}});
  for (const auto& entry : entries) {
    table.add({entry.id,
               entry.problem.empty() ? std::string(journal_state_text(entry.state)) : "unreadable",
               fmt::format("{}/{}", entry.done, entry.writes),
               fmt::format("{}", entry.undone),
               or_dash(entry.finished),
               or_dash(entry.plan_digest),
               or_dash(entry.user)});
    const auto note = history_note(entry, style);
    if (!note.empty()) {
      table.add_heading("  " + folded(printable(note), 2, style));
    }
  }
  return table.text(style);
}

}  // namespace irqtune
