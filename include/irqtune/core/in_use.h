// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

namespace irqtune {

/// False for a vector that the device has and that nobody has asked for yet, as QEMU leaves one
/// that its guest has not unmasked: it is in msi_irqs/, but has no handler, no row in
/// /proc/interrupts and no /proc/irq/N. It cannot be written, and has nothing to be delivered.
/// Source: Linux kernel/irq/manage.c, __setup_irq(): the directory comes with the first handler.
[[nodiscard]] bool is_in_use(const Irq& irq) noexcept;

}  // namespace irqtune
