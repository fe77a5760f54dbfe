// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/settings.h"
#include "irqtune/sys/sysfs.h"

namespace irqtune {

/// What decides how the host serves interrupts, beside the interrupts themselves. What is absent
/// leaves an empty value.
[[nodiscard]] Settings read_settings(const Sysfs& sysfs, const Host& host);

/// What KVM's modules and the IOMMUs say about posting. A parameter that is neither yes nor no
/// ("auto" while the module loads) stays unknown. Source: Linux arch/x86/kvm: kvm_intel and kvm_amd
/// enable_device_posted_irqs (since 6.16), kvm_intel enable_apicv, kvm_amd avic.
[[nodiscard]] PostingFacts read_posting_facts(const Sysfs& sysfs);

}  // namespace irqtune
