// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <string_view>

namespace irqtune {

/// Fills chip, hwirq, trigger and actions of `irq` from what follows the counts of its row.
///
/// There is no fixed form: x86 prints "CHIP HWIRQ-FLOW  NAMES", architectures with
/// GENERIC_IRQ_SHOW_LEVEL "CHIP HWIRQ Level|Edge NAMES", Hyper-V "CHIP HWIRQ  NAMES", s390
/// "CHIP  NAMES", kernels before 3.19 "CHIP-FLOW  NAMES", the oldest of Arm "NAMES"; a chip may be
/// several words. False if the text is one part, which only the other rows can tell to be a chip or
/// names: it stands in `irq.chip` then.
/// Source: Linux kernel/irq/proc.c, show_interrupts().
[[nodiscard]] bool parse_irq_text(std::string_view text, Irq& irq);

/// Adds the handler names of `text`, which ", " separates, to `irq`.
void add_actions(std::string_view text, Irq& irq);

}  // namespace irqtune
