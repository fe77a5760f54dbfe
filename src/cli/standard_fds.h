// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace irqtune {

/// Puts something onto descriptors 0, 1 and 2 where the caller closed them: else the next file to
/// be opened, a journal or a mask, would get the number, and what is printed would go into it.
/// Writing to one that was closed still fails.
void occupy_standard_fds() noexcept;

}  // namespace irqtune
