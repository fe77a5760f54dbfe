// SPDX-License-Identifier: Apache-2.0
#include "diagnose/placement/handler_threads.h"

#include "irqtune/core/delivery.h"
#include "irqtune/core/handler_threads.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

/// "irq/80-vfio-msi (pid 900) may run on 8 (vCPU 0 of rt), its interrupt goes to 0"
std::string thread_text(const DiagnosisInput& input,
                        const Irq& irq,
                        const OwnThread& thread,
                        const CpuSet& astray) {
  const auto over = thread.cpus.value_or(CpuSet{}) & astray;
  const auto first = over.first().value_or(0);
  const auto at = delivery_of(input.host, irq).cpus;
  return fmt::format("{} (pid {}) may run on {} ({}{}), its interrupt goes to {}",
                     thread.name,
                     thread.tid,
                     short_list(*thread.cpus),
                     printable(protection_text(first, input.protections.at(first).front())),
                     over.size() > 1 ? " and others" : "",
                     at.empty() ? "?" : at.to_list());
}

void add_evidence(const DiagnosisInput& input,
                  const Irq& irq,
                  const CpuSet& astray,
                  std::vector<std::string>& evidence) {
  for (const auto& thread : handler_threads(input.host, irq)) {
    if (thread.cpus && thread.cpus->intersects(astray)) {
      evidence.push_back(thread_text(input, irq, thread, astray));
    }
  }
}

void name_victims(const DiagnosisInput& input, Finding& finding) {
  std::set<std::string> vms;
  for (const int cpu : finding.cpus.cpus()) {
    for (const auto& reason : input.protections.at(cpu)) {
      vms.insert(reason.vm);
    }
  }
  vms.erase("");
  finding.vms.assign(vms.begin(), vms.end());
}

}  // namespace

void find_handler_threads(const DiagnosisInput& input, std::vector<Finding>& findings) {
  std::vector<const Irq*> irqs;
  std::vector<std::string> evidence;
  CpuSet cpus;
  for (const auto& irq : input.host.irqs) {
    const bool ours = is_served(irq) && is_to_avoid(input, irq.vector->device) &&
                      is_selected(input, irq.vector->device);
    const auto astray = ours ? threads_astray_on(input.host, irq, input.protections) : CpuSet{};
    if (!astray.empty()) {
      irqs.push_back(&irq);
      cpus |= astray;
      add_evidence(input, irq, astray, evidence);
    }
  }
  if (irqs.empty()) {
    return;
  }
  auto finding = make_finding("irq-thread-on-vcpu",
                              Severity::warning,
                              fmt::format("handler threads of {} may run on vCPUs' cores ({}){}",
                                          counted(irqs.size(), "vector"),
                                          short_list(cpus),
                                          rate_note(input.host, rate_of(irqs))));
  finding.cost = "the handler, a real-time thread, takes the core from the vCPU at each interrupt";
  finding.evidence = std::move(evidence);
  shorten(finding.evidence, kMostEvidence);
  finding.evidence.emplace_back(
      "the kernel leaves them there until the mask is written: after a taskset, and up to 6.12 "
      "after an isolated cpuset partition came or went");
  finding.remedy = {apply_command(input.host, irqs)};
  finding.cpus = cpus;
  name_irqs(irqs, finding);
  name_victims(input, finding);
  findings.push_back(std::move(finding));
}

}  // namespace irqtune::diagnosis
