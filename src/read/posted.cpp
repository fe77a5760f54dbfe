// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings.h"

#include "read/parts.h"

namespace irqtune {

namespace {

/// Whether KVM may post device interrupts at all; empty optional if nothing tells.
std::optional<bool> may_post(const PostingFacts& facts) {
  if (facts.device_posted_irqs) {
    return facts.device_posted_irqs;
  }
  if (!facts.apicv && !facts.avic) {
    return std::nullopt;
  }
  return facts.apicv.value_or(false) || facts.avic.value_or(false);
}

Posted posted_state(const Irq& irq, const std::optional<bool>& possible) {
  const bool plain_x86 = irq.chip.starts_with("PCI-MSI") || irq.chip.starts_with("IO-APIC");
  if (irq.vector->kind == VectorKind::intx || plain_x86) {
    return Posted::remapped;  // Posting needs MSI and interrupt remapping.
  }
  if (!possible) {
    return Posted::unknown;
  }
  return *possible ? Posted::possible : Posted::remapped;
}

}  // namespace

void read_posted(const Sysfs& sysfs, Host& host) {
  const auto possible = may_post(read_posting_facts(sysfs));
  for (auto& irq : host.irqs) {
    if (irq.vector) {
      irq.posted = posted_state(irq, possible);
    }
  }
}

}  // namespace irqtune
