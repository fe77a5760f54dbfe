// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>

#include "diagnose/lines.h"

namespace irqtune {

namespace {

Finding finding_for(const Irq& irq, const PciDevice* device, const DiagnosisInput& input) {
  const auto& address = irq.vector->device;
  std::optional<VectorKind> offers;
  if (device != nullptr) {
    offers = device->best_kind;
  }
  Finding finding;
  finding.id = "irq-intx-passthrough";
  finding.severity = offers ? Severity::warning : Severity::info;
  finding.confidence = offers ? Confidence::certain : Confidence::possible;
  finding.title = offers ? fmt::format("{} interrupts by INTx, and could by {}",
                                       owner_text(input.host, address),
                                       *offers == VectorKind::msix ? "MSI-X" : "MSI")
                         : fmt::format("{} interrupts by INTx; it may be able to use MSI or MSI-X",
                                       owner_text(input.host, address));
  finding.cost =
      "the host masks and unmasks the line around each interrupt, one at a time; it is never "
      "posted, and may be shared";
  finding.evidence = {fmt::format("/proc/interrupts, {}: vfio-intx({}): {}",
                                  number_text(irq.number),
                                  address.to_string(),
                                  activity_text(irq, input.host))};
  finding.evidence.push_back(
      offers
          ? fmt::format("/sys/bus/pci/devices/{}/config: has the capability", address.to_string())
          : fmt::format("/sys/bus/pci/devices/{}/config: capabilities not read (root only)",
                        address.to_string()));
  finding.remedy = {
      "see what it offers:",
      fmt::format("lspci -vv -s {} | grep MSI", address.to_string()),
      "in the guest: no pci=nomsi, a driver that uses MSI; Windows: MSISupported=1 under the "
      "device's Interrupt Management\\MessageSignaledInterruptProperties, then reboot the guest"};
  name_line(irq, input, finding);
  return finding;
}

}  // namespace

std::vector<Finding> find_intx(const Sight& sight) {
  const auto& input = sight.input;
  std::vector<Finding> findings;
  for (const auto& irq : input.host.irqs) {
    // A guest that boots has its devices on INTx until their drivers are loaded: it has not counted
    // yet.
    if (!irq.vector || irq.vector->kind != VectorKind::intx || total_count(irq) == 0) {
      continue;
    }
    const auto* device = find_device(input.host, irq.vector->device);
    const bool cannot = device != nullptr && device->best_kind == VectorKind::intx;
    if (!cannot) {
      findings.push_back(finding_for(irq, device, input));
    }
  }
  return findings;
}

}  // namespace irqtune
