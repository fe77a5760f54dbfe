// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/sys/sysfs.h"

#include <cstdint>
#include <vector>

namespace irqtune {

/// A thread of a process without a VM that holds vfio devices, bound to one CPU.
struct BoundThread {
  int pid = 0;
  PollingThread thread;
  std::uint64_t ran = 0;      ///< Clock ticks in user and kernel mode.
  std::uint64_t started = 0;  ///< Clock ticks since boot.
};

/// The bound threads of `users`, by process and TID.
[[nodiscard]] std::vector<BoundThread> read_bound_threads(const Sysfs& sysfs,
                                                          const std::vector<VfioUser>& users);

/// Fills VfioUser::polling with those of `bound`, which were read before the host's rates, that ran
/// nearly all the time: between the two readings, or since they were started where there is one.
/// Others share a warning for each process: what they are for is not known.
void find_polling(const Sysfs& sysfs, const std::vector<BoundThread>& bound, Host& host);

}  // namespace irqtune
