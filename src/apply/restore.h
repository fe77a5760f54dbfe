// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apply/kernel.h"

namespace irqtune {

/// How hard restore() tries.
enum class Restore : std::uint8_t {
  ours,   ///< Only a mask that still is what was written.
  force,  ///< Also one that someone changed since.
  look,   ///< Reports what `ours` would do, and writes nothing.
  look_force,
};

/// Puts `write.before` back where `write.after` stands, on the interrupt that still is the same.
/// State `ok`: put back and read back; `unchanged`: it was so already; `vanished`, `remade`:
/// nothing to put back to; `would_change`: with Restore::look; else it is left, and `error` says
/// why.
[[nodiscard]] Outcome restore(const Kernel& kernel, const Write& write, Restore how);

/// True if nothing of the write is left after restore().
[[nodiscard]] bool is_restored(const Outcome& outcome) noexcept;

}  // namespace irqtune
