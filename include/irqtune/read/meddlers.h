// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/sysfs.h"

#include <string>
#include <vector>

namespace irqtune {

/// A program that moves interrupts too.
struct Meddler {
  std::string name;  ///< "irqbalance", "tuned"
  int pid = 0;
  std::string detail;  ///< What it was told: its options, the variables it reads. May be empty.

  /// It will set the vectors' masks again by itself: true unless it was told to keep off them.
  bool would_undo = true;

  /// One line for people, and then exactly what keeps it off vfio's vectors, line by line.
  std::vector<std::string> advice;
};

/// Those that run on this host, by PID. `drivers` are the driver names of the passed-through
/// devices ("vfio-pci", "mlx5_vfio_pci"): irqbalance leaves them alone if a --banmod text is part
/// of each, or if a policy script decides. Source: irqbalance classify.c, check_for_module_ban();
/// irqbalance(1); tuned-profiles(7).
[[nodiscard]] std::vector<Meddler> find_meddlers(const Sysfs& sysfs,
                                                 const std::vector<std::string>& drivers);

}  // namespace irqtune
