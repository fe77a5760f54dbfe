// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apply/kernel.h"

namespace irqtune {

// Refusals that are no failure: what refuses is left as it is.

/// True of a vector that the ITS hands to a guest by itself: it takes no mask, as KVM owns its
/// mapping. Source: Linux drivers/irqchip/irq-gic-v3-its.c, its_set_affinity(): -EINVAL of a vLPI.
[[nodiscard]] bool is_forwarded(const Kernel& kernel,
                                const Outcome& outcome,
                                const std::error_code& error);
void describe_forwarded(Outcome& outcome);

/// True of a host device's interrupt that the kernel spreads by itself, on kernels where only the
/// refusal tells: before 6.12, which shows it in the file's mode. Source: Linux kernel/irq/proc.c,
/// write_irq_affinity(), register_irq_proc().
[[nodiscard]] bool is_spread(const Kernel& kernel,
                             const Outcome& outcome,
                             const std::error_code& error);

/// The journal keeps it for later plans.
void describe_spread(Outcome& outcome);

}  // namespace irqtune
