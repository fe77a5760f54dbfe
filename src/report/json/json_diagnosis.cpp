// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/esx.h"
#include "irqtune/report/report.h"

#include "report/json/json.h"

namespace irqtune {

namespace {

Json finding_json(const Finding& finding) {
  auto irqs = Json::array();
  for (const auto irq : finding.irqs) {
    irqs.push_back(static_cast<std::uint32_t>(irq));
  }
  auto devices = Json::array();
  for (const auto& device : finding.devices) {
    devices.push_back(device.to_string());
  }
  return {{"id", finding.id},
          {"severity", severity_text(finding.severity)},
          {"confidence", confidence_text(finding.confidence)},
          {"title", finding.title},
          {"cost", finding.cost.empty() ? Json() : Json(finding.cost)},
          {"evidence", finding.evidence},
          {"remedy", finding.remedy},
          {"irqs", std::move(irqs)},
          {"cpus", finding.cpus.cpus()},
          {"devices", std::move(devices)},
          {"vms", finding.vms}};
}

Json change_json(const EsxChange& change) {
  return {{"vector", change.vector},
          {"console", change.console},
          {"vmkernel", change.vmkernel},
          {"shared", change.shared},
          {"vector_now", change.there ? Json(change.vector_now) : Json()},
          {"count", change.there ? Json(change.count) : Json()},
          {"pcpus", change.there ? Json(change.pcpus) : Json()}};
}

Json document_of(const Diagnosis& diagnosis) {
  auto findings = Json::array();
  for (const auto& finding : diagnosis.findings) {
    findings.push_back(finding_json(finding));
  }
  return {{"schema", "irqtune.diagnosis/1"},
          {"host", host_id_json(diagnosis.host)},
          {"findings", std::move(findings)},
          {"warnings", diagnosis.warnings}};
}

}  // namespace

std::string diagnosis_json(const Diagnosis& diagnosis) {
  return document_text(document_of(diagnosis));
}

std::string diagnosis_json(const Diagnosis& diagnosis, const std::vector<EsxChange>& changes) {
  auto document = document_of(diagnosis);
  for (const auto& change : changes) {
    document["against"].push_back(change_json(change));
  }
  return document_text(document);
}

}  // namespace irqtune
