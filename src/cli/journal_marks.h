// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/support.h"

namespace irqtune {

/// Marks what only the journals know of the interrupts of a host that was read: of a tree, what was
/// applied to it though no kernel obeyed; and in detail, what was found managed.
void mark_from_journals(const Context& context, Detail detail, Host& host);

}  // namespace irqtune
