// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/pci.h"
#include "irqtune/sys/clock.h"
#include "irqtune/sys/sysfs.h"

#include <chrono>
#include <functional>
#include <vector>

namespace irqtune {

/// How to wait for vectors.
struct SettleOptions {
  std::chrono::milliseconds stable_for{2000};  ///< Unchanged for this long is stable.
  std::chrono::milliseconds timeout{60000};    ///< In all.

  /// Called about every 200 ms with the time since the start; for progress. May be empty.
  std::function<void(std::chrono::milliseconds)> on_wait;
  std::function<bool()> interrupted;  ///< True ends the wait. May be empty.

  Clock clock;
};

/// Waits until the vectors of `devices` (numbers and kinds in their msi_irqs/) have not changed for
/// `stable_for`, nor the list of devices by then: a guest may have begun to start meanwhile. While
/// a guest's driver loads, QEMU tears its set of vectors down and up again, and each time their
/// masks are lost. A device with INTx has one line and nothing to wait for. True if they are
/// stable; false if the time is up or the wait was interrupted.
[[nodiscard]] bool wait_until_stable(const Sysfs& sysfs,
                                     const std::function<std::vector<PciAddress>()>& devices,
                                     const SettleOptions& options);

}  // namespace irqtune
