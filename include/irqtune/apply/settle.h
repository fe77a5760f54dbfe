// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/pci.h"
#include "irqtune/sys/clock.h"
#include "irqtune/sys/sysfs.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
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

/// What is waited for, as the host is now.
struct Awaited {
  std::vector<PciAddress> devices;   ///< Whose vectors are to rest.
  std::vector<std::string> missing;  ///< Why it cannot be stable yet, a line each; empty: it can.
};

enum class SettleState : std::uint8_t { stable, timed_out, interrupted };

/// How the wait ended.
struct Settled {
  SettleState state = SettleState::stable;
  std::vector<std::string> missing;  ///< Of a wait that ran out: what was still missing.
  std::vector<PciAddress> restless;  ///< Of a wait that ran out: whose vectors changed last.
};

/// Waits until nothing is missing and the vectors of the devices (numbers and kinds in their
/// msi_irqs/) have not changed for `stable_for`, nor the list of devices by then: a guest may have
/// begun to start meanwhile. `look` reads the whole host; it is asked at the start, and when the
/// vectors have rested for so long. While a guest's driver loads, QEMU tears its set of vectors
/// down and up again, and each time their masks are lost. A device with INTx has one line and
/// nothing to wait for.
[[nodiscard]] Settled wait_until_stable(const Sysfs& sysfs,
                                        const std::function<Awaited()>& look,
                                        const SettleOptions& options);

}  // namespace irqtune
