// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <string>
#include <vector>

namespace irqtune {

// How maps of CPUs are laid out.

/// The CPUs of one core, lowest first.
using Core = std::vector<const Cpu*>;

/// Cores that share package, node and last-level cache.
struct Block {
  std::string title;  ///< "package 0, node 0, cache 1"
  CpuSet cpus;
  std::vector<Core> cores;  ///< By lowest CPU.
};

/// All CPUs. What they point to is of `topology`.
[[nodiscard]] std::vector<Block> blocks_of(const Topology& topology);

}  // namespace irqtune
