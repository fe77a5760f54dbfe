// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace irqtune {

/// What the kernel says about posting device interrupts to running vCPUs. Empty: the file is
/// absent.
struct PostingFacts {
  std::optional<bool> device_posted_irqs;  ///< kvm_intel or kvm_amd: enable_device_posted_irqs
  std::optional<bool> apicv;               ///< kvm_intel: enable_apicv
  std::optional<bool> avic;                ///< kvm_amd: avic
};

/// What decides how a host serves interrupts, beside the interrupts themselves: module parameters,
/// sysctls, services and their configuration. Only `diagnose` looks at it.
struct Settings {
  PostingFacts posting;
};

}  // namespace irqtune
