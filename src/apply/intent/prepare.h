// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apply/kernel.h"

#include <vector>

namespace irqtune {

/// One write on its way. `outcome.write.before` is what stands there now, not when it was planned.
struct Item {
  Outcome outcome;
  bool due = false;        ///< Is to be written.
  bool attempted = false;  ///< May have been written: to be undone if the run fails.
  bool written = false;    ///< The kernel took it.
  std::size_t number = 0;  ///< In the journal, where `due`.
};

/// Looks each interrupt up and reads what stands there; writes nothing. Items that are not due have
/// their final state: unchanged, vanished, refused or failed.
[[nodiscard]] std::vector<Item> prepare(const Kernel& kernel, const std::vector<Write>& writes);

}  // namespace irqtune
