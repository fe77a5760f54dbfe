// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/esx.h"
#include "irqtune/core/esx_change.h"

#include <string>
#include <vector>

namespace irqtune {

/// Each line that was shared before, in the order of that table. Its VMkernel driver tells which
/// line it is now: a card that was moved has another. Pure.
[[nodiscard]] std::vector<EsxChange> compare_esx(const EsxTable& before, const EsxTable& after);

/// "0x89, VMK vmnic1: free now, its interrupts are spread over 4 of 4 PCPUs"
[[nodiscard]] std::string change_text(const EsxChange& change);

}  // namespace irqtune
