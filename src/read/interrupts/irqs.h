// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/read/read.h"
#include "irqtune/sys/sysfs.h"

#include <cstdint>
#include <map>
#include <vector>

namespace irqtune {

/// The IRQs of a device by /sys/bus/pci/devices/ADDRESS/msi_irqs: number -> kind.
[[nodiscard]] std::map<std::uint32_t, VectorKind> read_msi_irqs(const Sysfs& sysfs,
                                                                const PciAddress& address);

/// Gives each of the interrupts the handler names of /sys/kernel/irq/N/actions, where that file
/// says others than its row does.
void read_true_names(const Sysfs& sysfs, const std::vector<IrqNumber>& doubtful, Host& host);

/// The numbered rows joined with their devices: `device`, `vector` and, for what `detail` asks,
/// the files of /proc/irq/N. Where the row of a passed-through device's interrupt names another
/// handler, the kernel's own file of it decides. Vectors that are allocated but have no row are
/// added. Devices that own a vfio row become passed through.
void join_irqs(const Sysfs& sysfs, Detail detail, Host& host);

/// Irq::line of the lines that several handlers share or that a guest has, and
/// PciDevice::best_kind of the guests' devices on them.
void read_lines(const Sysfs& sysfs, Host& host);

/// How the vectors of `host` are delivered, from the hardware's and KVM's parameters.
void read_posted(const Sysfs& sysfs, Host& host);

}  // namespace irqtune
