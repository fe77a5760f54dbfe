// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/settings.h"

namespace irqtune {

/// Source: Linux drivers/iommu/irq_remapping.c (irq_remapping_cap(), nopost), drivers/iommu/amd
/// (amd_iommu_intr=), drivers/iommu/intel/irq_remapping.c (set_irq_posting_cap()),
/// arch/arm64/kvm/vgic/vgic-v3.c (early_gicv4_enable(): off unless asked for).
std::optional<bool> may_post(const PostingFacts& facts, const KernelParameters& parameters) {
  if (find_word(parameters, "intremap", "nopost") != nullptr ||
      (facts.avic && find_word(parameters, "amd_iommu_intr", "legacy", "vapic") != nullptr)) {
    return false;
  }
  const auto* const gic_v4 = find_parameter(parameters, "kvm_arm.vgic_v4_enable");
  if (gic_v4 != nullptr && !facts.apicv && !facts.avic) {
    return gic_v4->value == "1" || gic_v4->value == "y" || gic_v4->value == "Y";
  }
  if (facts.device_posted_irqs) {
    return facts.device_posted_irqs;
  }
  if (!facts.apicv && !facts.avic) {
    return std::nullopt;
  }
  const bool intel = facts.apicv.value_or(false) && facts.iommu.value_or(true);
  return intel || facts.avic.value_or(false);
}

}  // namespace irqtune
