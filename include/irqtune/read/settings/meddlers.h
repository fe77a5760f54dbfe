// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/settings.h"
#include "irqtune/sys/sysfs.h"

#include <string>
#include <vector>

namespace irqtune {

/// Those that run on this host, by PID. `drivers` are the driver names of the passed-through
/// devices ("vfio-pci", "mlx5_vfio_pci"): irqbalance leaves them alone if a --banmod text is part
/// of each, or if a policy script decides. Source: irqbalance classify.c, check_for_module_ban();
/// irqbalance(1); tuned-profiles(7).
[[nodiscard]] std::vector<Meddler> find_meddlers(const Sysfs& sysfs,
                                                 const std::vector<std::string>& drivers);

}  // namespace irqtune
