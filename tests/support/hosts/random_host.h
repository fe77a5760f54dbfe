// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"

#include <cstdint>

namespace irqtune::test {

/// A host that follows from the seed alone, with what makes hosts odd: several nodes and caches,
/// 1 to 8 threads a core, offline CPUs, memory-only nodes, sparse node ids, devices without a node,
/// VMs that are pinned, pooled or float, skewed rates, wide and narrow masks.
struct RandomHost {
  Host host;
  Policy policy;
};

/// At most 5 CPUs that may take vectors and 6 vectors: small enough to try every plan.
[[nodiscard]] RandomHost small_host(std::uint32_t seed);

/// Up to some hundred CPUs and vectors, devices of 1 to 257 vectors.
[[nodiscard]] RandomHost large_host(std::uint32_t seed);

}  // namespace irqtune::test
