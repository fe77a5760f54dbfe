// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/change.h"
#include "irqtune/sys/sysfs.h"

#include <optional>

namespace irqtune {

/// True if interrupt `irq` still is the one that `identity` describes.
///
/// A passed-through vector: msi_irqs/ of its device lists the number with its kind, and vfio's
/// handler name stands in /sys/kernel/irq/N/actions; while vfio exchanges the handler that file is
/// empty, and the hardware number decides. A host interrupt: its device has the number, and the
/// handler names agree, or there is none for now. On a partial tree the handler's directory in
/// /proc/irq/N, or the row in /proc/interrupts, tells.
[[nodiscard]] bool is_still(const Sysfs& sysfs, const Identity& identity, IrqNumber irq);

/// True if interrupt `irq` still is its device's, whatever handler it has by now.
[[nodiscard]] bool is_of_device(const Sysfs& sysfs, const Identity& identity, IrqNumber irq);

/// Which making of the interrupt stands under that number now; empty if unknown.
[[nodiscard]] std::optional<std::uint64_t> generation_of(const Sysfs& sysfs,
                                                         const Identity& identity,
                                                         IrqNumber irq);

/// True if the kernel is known to have made the interrupt anew since `identity` was noted.
[[nodiscard]] bool is_remade(const Sysfs& sysfs, const Identity& identity, IrqNumber irq);

/// The number under which the interrupt is found now: the old one if it still is, else another of
/// its device. Empty optional if there is no such interrupt any more.
[[nodiscard]] std::optional<IrqNumber> locate(const Sysfs& sysfs, const Identity& identity);

}  // namespace irqtune
