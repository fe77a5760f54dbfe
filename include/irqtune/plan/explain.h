// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/explain.h"
#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"

#include <optional>

namespace irqtune {

/// Why `irq` goes where make_plan(host, policy) sends it. Empty optional if it is not in that plan:
/// no such interrupt, or out of scope.
[[nodiscard]] std::optional<VectorExplanation> explain_vector(const Host& host,
                                                              const Policy& policy,
                                                              IrqNumber irq);

/// Empty optional if the host has no such CPU.
[[nodiscard]] std::optional<CpuExplanation> explain_cpu(const Host& host,
                                                        const Policy& policy,
                                                        int cpu);

/// Empty optional if the plan has no vector of the device.
[[nodiscard]] std::optional<DeviceExplanation> explain_device(const Host& host,
                                                              const Policy& policy,
                                                              const PciAddress& device);

}  // namespace irqtune
