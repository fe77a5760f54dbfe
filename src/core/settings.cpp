// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/settings.h"

namespace irqtune {

/// Source: Linux drivers/iommu/irq_remapping.c (irq_remapping_cap(), nopost), drivers/iommu/amd
/// (amd_iommu_intr=), drivers/iommu/intel/irq_remapping.c (set_irq_posting_cap()).
std::optional<bool> may_post(const PostingFacts& facts, const KernelParameters& parameters) {
  if (find_word(parameters, "intremap", "nopost") != nullptr ||
      (facts.avic && find_word(parameters, "amd_iommu_intr", "legacy", "vapic") != nullptr)) {
    return false;
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
