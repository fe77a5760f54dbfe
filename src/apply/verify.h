// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apply/kernel.h"

#include <chrono>
#include <functional>
#include <vector>

namespace irqtune {

/// Fills state, effective CPUs and error of each outcome, all of which were written: waits until
/// the effective masks agree, `timeout` at most for all of them together, and not longer than until
/// `interrupted`, which may be empty, is true. A tree is no kernel: there only the requested mask
/// is read back.
void verify(const Kernel& kernel,
            const std::vector<Outcome*>& written,
            std::chrono::milliseconds timeout,
            const std::function<bool()>& interrupted);

}  // namespace irqtune
