// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "read/vms/sources.h"

namespace irqtune {

/// What was said of differences. Two files of one source often say the same, once is enough.
struct Differences {
  std::vector<std::string> warnings;  ///< With the file each.
  std::set<std::string> said;         ///< Without it.
};

/// Notes where a VM does not run as it is written. What one side does not know is no difference.
void compare(const VmFound& running,
             const VmFound& written,
             const CpuSet& online,
             Differences& differences);

}  // namespace irqtune
