// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/measurement.h"
#include "irqtune/report/print.h"
#include "irqtune/report/report.h"

#include "report/json/json_rows.h"
#include "report/json/json_warnings.h"

#include <fmt/format.h>

#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace irqtune {

namespace {

Json policies_json(const std::map<std::string, VmPolicy>& policies) {
  auto out = Json::object();
  for (const auto& [name, policy] : policies) {
    out[name] = policy_text(policy);
  }
  return out;
}

Json policy_json(const Policy& policy) {
  return {{"policy", policy_text(policy.policy)},
          {"scope", scope_text(policy.scope)},
          {"devices", policy.devices},
          {"skip_devices", policy.skip_devices},
          {"vms", policy.vms},
          {"vm_policies", policies_json(policy.vm_policies)},
          {"device_policies", policies_json(policy.device_policies)},
          {"avoid", policy.protection.avoid.to_list()},
          {"housekeeping", list_or_null(policy.housekeeping)},
          {"pool_last", policy.pool_last},
          {"protect_siblings", policy.protection.siblings},
          {"include_defined", policy.protection.include_defined},
          {"min_gain", policy.min_gain},
          {"max_vectors_per_cpu", or_null(policy.max_vectors_per_cpu)},
          {"near", near_text(policy.near_to)},
          {"busy_threshold", policy.busy_threshold},
          {"rebalance", policy.rebalance},
          {"default_affinity", policy.default_affinity}};
}

Json score_json(const Score& score) {
  return {{"vectors", score.vectors},
          {"collisions", score.collisions},
          {"unknown", score.unknown},
          {"remote", score.remote},
          {"unknown_node", score.unknown_node},
          {"max_cpu_rate", rate_or_null(score.max_cpu_rate)},
          {"rate_stdev", rate_or_null(score.rate_stdev)},
          {"cpus_used", score.cpus_used}};
}

Json outcome_json(const Outcome& outcome) {
  const auto& identity = outcome.write.identity;
  return {{"irq", identity ? Json(static_cast<std::uint32_t>(outcome.irq)) : Json()},
          {"vector", identity ? vector_or_null(identity->vector) : Json()},
          {"device", address_or_null(device_of(outcome.write))},
          {"vm", outcome.write.vm.empty() ? Json() : Json(outcome.write.vm)},
          {"from", outcome.write.before},
          {"to", outcome.write.after.to_list()},
          {"state", write_state_text(outcome.state)},
          {"effective", list_or_null(outcome.effective)},
          {"error", outcome.error.empty() ? Json() : Json(outcome.error)},
          {"hint", outcome.hint.empty() ? Json() : Json(outcome.hint)}};
}

/// Is the mask another one now than before the run? Of a dry run: would it be? (Ansible's check
/// mode wants to know.)
bool stands(const ApplyReport& report, const Outcome& outcome) {
  const bool put_back = report.state == ApplyState::rolled_back && !report.rollback;
  return !put_back && outcome.aftermath == Aftermath::none &&
         outcome.state != WriteState::unchanged &&
         (is_success(outcome.state) || outcome.state == WriteState::would_change ||
          outcome.state == WriteState::fallback);
}

/// FNV-1a, 64 bits.
class Digest {
 public:
  void add(std::string_view text) noexcept {
    for (const char c : text) {
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * kPrime;
    }
  }

  [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

 private:
  static constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

/// Vectors, and how many of them collide, by what they belong to.
struct Counts {
  std::size_t vectors = 0;
  Tally tally;
};

Json counts_json(std::string_view key, const std::map<std::string, Counts>& counts) {
  auto list = Json::array();
  for (const auto& [name, one] : counts) {
    list.push_back({{std::string(key), name},
                    {"vectors", one.vectors},
                    {"collisions", one.tally.collisions},
                    {"unknown", one.tally.unknown}});
  }
  return list;
}

/// Of the plan's vectors, by device ("address") or by VM ("name").
Json counts_by(const Plan& plan, std::string_view key) {
  std::map<std::string, Counts> counts;
  for (const auto& assignment : plan.assignments) {
    const auto device = assignment.vector ? assignment.vector->device.to_string() : std::string();
    const auto& name = key == "name" ? assignment.vm : device;
    if (assignment.vector && !name.empty()) {
      auto& one = counts[name];
      ++one.vectors;
      one.tally.add(assignment.standing);
    }
  }
  return counts_json(key, counts);
}

/// With no assignments yet.
Json plan_document(const Plan& plan) {
  Json document{{"schema", "irqtune.plan/1"},
                {"digest", plan_digest(plan)},
                {"host", host_id_json(plan.host)},
                {"policy", policy_json(plan.policy)},
                {"protected", plan.protected_cpus.to_list()},
                {"housekeeping", plan.housekeeping.to_list()},
                {"pool", plan.pool.to_list()},
                {"score", {{"before", score_json(plan.before)}, {"after", score_json(plan.after)}}},
                {"lower_bound", {{"max_cpu_rate", rate_or_null(plan.lower_bound)}}},
                {"changes", change_count(plan)},
                {"assignments", Json::array()},
                {"managed_left_out", plan.managed_left_out}};
  document["default_affinity"] = Json();
  if (plan.default_affinity) {
    document["default_affinity"] = {{"from", list_or_null(plan.default_affinity->from)},
                                    {"to", plan.default_affinity->to.to_list()}};
  }
  add_warnings(plan.warnings, document);
  return document;
}

using AddEntry = void (*)(JsonRows&, const DriftEntry&);

LongList drift_list(std::string_view name, const std::vector<DriftEntry>& entries, AddEntry add) {
  return {name, [&entries, add](JsonRows& rows) {
            for (const auto& entry : entries) {
              add(rows, entry);
            }
          }};
}

}  // namespace

void print_plan_json(std::ostream& out, const Plan& plan) {
  const auto fill = [&](JsonRows& rows) {
    for (const auto& assignment : plan.assignments) {
      add_assignment(rows, assignment);
    }
  };
  print_document(out, plan_document(plan), {{"assignments", fill}});
}

std::string plan_json(const Plan& plan) {
  std::ostringstream out;
  print_plan_json(out, plan);
  return std::move(out).str();
}

namespace {

Json apply_document(const ApplyReport& report) {
  auto results = Json::array();
  auto failed = Json::array();
  auto counts = Json::object();
  bool changed = false;
  for (const auto& outcome : report.outcomes) {
    results.push_back(outcome_json(outcome));
    if (is_refused(outcome) && !(report.rollback && is_gone(outcome.state))) {
      failed.push_back(results.back());
    }
    auto& count = counts[std::string(write_state_text(outcome.state))];
    count = count.is_null() ? 1 : count.get<std::size_t>() + 1;
    changed = changed || stands(report, outcome);
  }
  Json document{{"schema", "irqtune.apply/1"},
                {"id", report.id.empty() ? Json() : Json(report.id)},
                {"state", apply_state_text(report.state)},
                {"changed", changed},
                {"counts", std::move(counts)},
                {"results", std::move(results)},
                {"failed", std::move(failed)}};
  add_warnings(report.warnings, document);
  return document;
}

}  // namespace

std::string apply_json(const ApplyReport& report) {
  return document_text(apply_document(report));
}

std::string apply_json(const ApplyReport& report, const std::vector<Comparison>& compare) {
  auto document = apply_document(report);
  document["compare"] = comparisons_json(compare);
  return document_text(document);
}

std::string check_json(const Plan& plan, const Drift& drift) {
  Json document{{"schema", "irqtune.check/1"},
                {"host", host_id_json(plan.host)},
                {"in_place", drift.entries.empty()},
                {"vectors", plan.before.vectors},
                {"collisions", plan.before.collisions},
                {"unknown", plan.before.unknown},
                {"vms", counts_by(plan, "name")},
                {"devices", counts_by(plan, "address")},
                {"drift", Json::array()},
                {"moved", Json::array()},
                {"elsewhere", Json::array()},
                {"failed", Json::array()}};
  add_warnings(plan.warnings, document);
  std::ostringstream out;
  print_document(out,
                 document,
                 {drift_list("drift", drift.entries, add_drift),
                  drift_list("moved", drift.moved, add_drift),
                  drift_list("elsewhere", drift.elsewhere, add_drift),
                  drift_list("failed", drift.entries, add_failed)});
  return std::move(out).str();
}

std::string history_json(const std::vector<HistoryEntry>& entries) {
  auto list = Json::array();
  for (const auto& entry : entries) {
    list.push_back(
        {{"id", entry.id},
         {"state", entry.problem.empty() ? Json(journal_state_text(entry.state)) : Json()},
         {"started", entry.started.empty() ? Json() : Json(entry.started)},
         {"finished", entry.finished.empty() ? Json() : Json(entry.finished)},
         {"user", entry.user.empty() ? Json() : Json(entry.user)},
         {"plan_digest", entry.plan_digest.empty() ? Json() : Json(entry.plan_digest)},
         {"this_boot", entry.this_boot},
         {"writes", entry.writes},
         {"done", entry.done},
         {"undone", entry.undone},
         {"problem", entry.problem.empty() ? Json() : Json(entry.problem)}});
  }
  return document_text({{"schema", "irqtune.history/1"}, {"applies", std::move(list)}});
}

std::string plan_digest(const Plan& plan) {
  Digest digest;
  for (const auto& assignment : plan.assignments) {
    if (assignment.change) {
      const auto key = assignment.vector ? assignment.vector->to_string()
                                         : fmt::format("{}", fmt::join(assignment.actions, ","));
      digest.add(fmt::format("{}={};", key, assignment.to.to_list()));
    }
  }
  if (plan.default_affinity) {
    digest.add(fmt::format("default={};", plan.default_affinity->to.to_list()));
  }
  return fmt::format("{:016x}", digest.value());
}

}  // namespace irqtune
