// SPDX-License-Identifier: Apache-2.0
#include "report/json/json_rows.h"

#include <fmt/format.h>

#include <string_view>

namespace irqtune {

namespace {

std::optional<CpuSet> known(const CpuSet& cpus) {
  return cpus.empty() ? std::nullopt : std::optional(cpus);
}

void add_number(JsonRows& rows, std::string_view name, std::uint64_t number) {
  rows.name(name);
  rows.value(number);
}

void add_word(JsonRows& rows, std::string_view name, std::string_view word) {
  rows.name(name);
  rows.value(word);
}

void add_place(JsonRows& rows, const Assignment& assignment) {
  add_cpus(rows, "from", assignment.from);
  add_cpus(rows, "from_effective", assignment.from_effective);
  add_cpus(rows, "at", known(assignment.delivery.cpus));
  add_word(rows, "delivery", delivery_text(assignment.delivery.state));
  add_word(rows, "standing", standing_text(assignment.standing));
  add_cpus(rows, "to", known(assignment.to));
  rows.name("change");
  rows.truth(assignment.change);
  add_word(rows, "locality", locality_text(assignment.locality));
  rows.name("distance");
  assignment.distance ? rows.value(static_cast<std::uint64_t>(*assignment.distance)) : rows.null();
}

}  // namespace

void add_assignment(JsonRows& rows, const Assignment& assignment) {
  rows.open('{');
  add_number(rows, "irq", static_cast<std::uint32_t>(assignment.irq));
  add_vector(rows, assignment.vector);
  add_device(rows, assignment.device);
  add_word(rows, "action", fmt::format("{}", fmt::join(assignment.actions, ", ")));
  add_texts(rows, "actions", assignment.actions);
  add_text(rows, "vm", assignment.vm);
  add_word(rows, "role", role_text(assignment.role));
  add_rate(rows, assignment.rate);
  add_place(rows, assignment);
  add_word(rows, "reason", assignment.reason);
  add_posted(rows, assignment.posted);
  add_text(rows, "blocked", assignment.blocked ? blocked_text(*assignment.blocked) : "");
  rows.close('}');
}

Json assignment_json(const Assignment& assignment) {
  return value_of([&](JsonRows& rows) { add_assignment(rows, assignment); });
}

namespace {

/// What an entry is about.
void add_subject(JsonRows& rows, const DriftEntry& entry) {
  rows.name("irq");
  entry.irq ? rows.value(std::uint64_t{static_cast<std::uint32_t>(*entry.irq)}) : rows.null();
  add_vector(rows, entry.vector);
  add_device(rows, entry.device);
  add_text(rows, "vm", entry.vm);
}

}  // namespace

void add_drift(JsonRows& rows, const DriftEntry& entry) {
  rows.open('{');
  add_subject(rows, entry);
  add_cpus(rows, "expected", entry.expected);
  add_cpus(rows, "actual", entry.actual);
  add_word(rows, "reason", entry.reason);
  rows.close('}');
}

void add_failed(JsonRows& rows, const DriftEntry& entry) {
  rows.open('{');
  add_subject(rows, entry);
  add_cpus(rows, "from", entry.actual);
  add_cpus(rows, "to", entry.expected);
  add_word(rows, "state", entry.by_apply ? "would_change" : "changed");
  add_word(rows, "error", entry.reason);
  rows.close('}');
}

}  // namespace irqtune
