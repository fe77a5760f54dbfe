// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/change.h"
#include "irqtune/core/cpu_set.h"
#include "irqtune/core/host.h"

#include <optional>
#include <string>
#include <vector>

namespace irqtune {

/// A mask that an apply set, as it is now.
struct AppliedMask {
  Write write;
  std::optional<IrqNumber> irq;  ///< Its number now; empty for the default affinity.
  std::optional<CpuSet> now;     ///< Empty if it cannot be read.
  bool remade = false;           ///< The kernel made it anew since: the mask is not what was set.
};

/// A mask that is not as it was set, or not as a fresh plan would have it.
struct DriftEntry {
  std::optional<IrqNumber> irq;  ///< Empty for the default affinity.
  std::optional<VectorId> vector;
  std::string vm;  ///< Empty if no VM has the device.
  CpuSet expected;
  std::optional<CpuSet> actual;  ///< Requested mask now
  std::string reason;
  bool by_apply = true;                   ///< An apply with the same options would put it right.
  std::optional<PciAddress> device = {};  ///< Empty for the default affinity, and without one.
  std::vector<std::string> actions = {};  ///< Handler names, where `vector` is empty.
};

/// What is no longer as it was applied, or not as a fresh plan would have it.
struct Drift {
  std::vector<DriftEntry> entries;  ///< By IRQ number; the default affinity first.

  /// Masks that someone changed since they were applied, to CPUs that are as good: housekeeping
  /// CPUs no farther from the vector's node than where a plan would put it. They are no drift.
  std::vector<DriftEntry> moved;

  /// Vectors that stand on such CPUs, as they were set or as nobody ever set them, and that a fresh
  /// plan would put on others of them, for balance. They are no drift either.
  std::vector<DriftEntry> elsewhere = {};

  /// The options of the apply that set the default affinity, " --default-affinity --vm vm1"; empty
  /// if none did, or if its journal does not say.
  std::string default_options = {};
};

}  // namespace irqtune
