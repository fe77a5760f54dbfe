// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/parts.h"

#include <fmt/format.h>

namespace irqtune {

namespace {

/// "Y" or "1" of a module parameter; empty optional if it is absent.
std::optional<bool> parameter(const Sysfs& sysfs, std::string_view module, std::string_view name) {
  const auto text = sysfs.read(fmt::format("/sys/module/{}/parameters/{}", module, name));
  if (!text) {
    return std::nullopt;
  }
  const auto value = trimmed(*text);
  return value == "Y" || value == "y" || value == "1";
}

/// Whether KVM may post device interrupts at all; empty optional if nothing tells.
/// Source: Linux arch/x86/kvm, enable_device_posted_irqs (since 6.16), enable_apicv, avic.
std::optional<bool> may_post(const Sysfs& sysfs) {
  for (const std::string_view module : {"kvm_intel", "kvm_amd"}) {
    if (const auto known = parameter(sysfs, module, "enable_device_posted_irqs")) {
      return known;
    }
  }
  const auto apicv = parameter(sysfs, "kvm_intel", "enable_apicv");
  const auto avic = parameter(sysfs, "kvm_amd", "avic");
  if (!apicv && !avic) {
    return std::nullopt;
  }
  return apicv.value_or(false) || avic.value_or(false);
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
  const auto possible = may_post(sysfs);
  for (auto& irq : host.irqs) {
    if (irq.vector) {
      irq.posted = posted_state(irq, possible);
    }
  }
}

}  // namespace irqtune
