// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/report.h"

#include "report/json/json.h"

namespace irqtune {

namespace {

Json vector_json(const VectorExplanation& explanation) {
  auto candidates = Json::array();
  for (const auto& candidate : explanation.candidates) {
    candidates.push_back({{"cpu", candidate.cpu},
                          {"node", node_or_null(candidate.node)},
                          {"distance", or_null(candidate.distance)},
                          {"core", or_null(candidate.core)},
                          {"first_thread", candidate.first_thread},
                          {"shares_cache", candidate.shares_cache},
                          {"load", rate_or_null(candidate.load)},
                          {"vectors", candidate.vectors},
                          {"chosen", candidate.chosen}});
  }
  auto rejected = Json::array();
  for (const auto& rejection : explanation.rejected) {
    rejected.push_back({{"cpu", rejection.cpu}, {"rule", rejection.rule}});
  }
  return {{"assignment", assignment_json(explanation.assignment)},
          {"home_node", node_or_null(explanation.home)},
          {"candidates", std::move(candidates)},
          {"rejected", std::move(rejected)},
          {"why", explanation.why}};
}

Json assignments_json(const std::vector<Assignment>& assignments) {
  auto list = Json::array();
  for (const auto& assignment : assignments) {
    list.push_back(assignment_json(assignment));
  }
  return list;
}

Json document(const HostId& host, std::string_view key, Json value, const Warnings& warnings) {
  return {{"schema", "irqtune.explain/1"},
          {"host", host_id_json(host)},
          {std::string(key), std::move(value)},
          {"warnings", warnings}};
}

}  // namespace

std::string explain_json(const VectorExplanation& explanation,
                         const HostId& host,
                         const Warnings& warnings) {
  return document_text(document(host, "vector", vector_json(explanation), warnings));
}

std::string explain_json(const CpuExplanation& explanation,
                         const HostId& host,
                         const Warnings& warnings) {
  Json cpu{{"id", explanation.cpu},
           {"online", explanation.online},
           {"housekeeping", explanation.housekeeping},
           {"rules", explanation.rules},
           {"load_before", rate_or_null(explanation.load_before)},
           {"load_after", rate_or_null(explanation.load_after)},
           {"before", assignments_json(explanation.before)},
           {"after", assignments_json(explanation.after)}};
  return document_text(document(host, "cpu", std::move(cpu), warnings));
}

std::string explain_json(const DeviceExplanation& explanation,
                         const HostId& host,
                         const Warnings& warnings) {
  auto vectors = Json::array();
  for (const auto& vector : explanation.vectors) {
    vectors.push_back(vector_json(vector));
  }
  Json device{{"address", explanation.device.to_string()},
              {"vm", explanation.vm.empty() ? Json() : Json(explanation.vm)},
              {"node", node_or_null(explanation.node)},
              {"vectors", std::move(vectors)}};
  return document_text(document(host, "device", std::move(device), warnings));
}

}  // namespace irqtune
