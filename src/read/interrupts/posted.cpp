// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings/settings.h"

#include "read/interrupts/irqs.h"

namespace irqtune {

namespace {

/// A posted vector's row does not count: the host's handler never runs. So one that counted while
/// we looked is not posted. One that stood still may be idle, which is why nothing is called
/// posted.
bool counted_just_now(const Irq& irq, const Host& host) {
  return host.rate_source == RateSource::sampled && total_rate(irq) > 0;
}

Posted posted_state(const Irq& irq, const Host& host, const std::optional<bool>& possible) {
  const bool plain_x86 = irq.chip.starts_with("PCI-MSI") || irq.chip.starts_with("IO-APIC");
  if (irq.vector->kind == VectorKind::intx || plain_x86 || counted_just_now(irq, host)) {
    return Posted::remapped;  // Posting needs MSI and interrupt remapping.
  }
  if (!possible) {
    return Posted::unknown;
  }
  return *possible ? Posted::possible : Posted::remapped;
}

}  // namespace

void read_posted(const Sysfs& sysfs, Host& host) {
  const auto parameters = parse_kernel_parameters(host.id.cmdline.value_or(""));
  const auto possible = may_post(read_posting_facts(sysfs), parameters);
  for (auto& irq : host.irqs) {
    if (irq.vector) {
      irq.posted = posted_state(irq, host, possible);
    }
  }
}

}  // namespace irqtune
