// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"
#include "irqtune/core/change.h"
#include "irqtune/sys/sysfs.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace irqtune {

/// The kernel's masks as apply and rollback reach them: Sysfs, with what tests put in its place.
struct Kernel {
  Kernel(const Sysfs& tree, const ApplyOptions& options);

  const Sysfs& sysfs;
  bool follows;  ///< Effective masks follow the requested ones: not on a tree.
  WriteFn write;
  Clock clock;
};

/// The file that holds the requested mask: of interrupt `irq`, or the default one.
[[nodiscard]] std::string mask_path(const Write& write, IrqNumber irq);

/// `set` as that file takes it: a list, or hexadecimal words for the default mask.
[[nodiscard]] std::string mask_text(const Write& write, const CpuSet& set);

/// What that file says, as a set; empty optional if it is no mask.
[[nodiscard]] std::optional<CpuSet> parse_mask_file(const Write& write, std::string_view text);

/// True if the two texts mean the same mask.
[[nodiscard]] bool same_mask(const Write& write, std::string_view text, const CpuSet& set);

/// The number under which the write's interrupt is now; 0 for the default mask. Empty optional if
/// it is gone.
[[nodiscard]] std::optional<IrqNumber> locate(const Kernel& kernel, const Write& write);

/// True if `irq` still is the write's interrupt; always for the default mask.
[[nodiscard]] bool is_still(const Kernel& kernel, const Write& write, IrqNumber irq);

/// True if it is, but of another generation than was noted: what was written went with the old one.
[[nodiscard]] bool is_remade(const Kernel& kernel, const Write& write, IrqNumber irq);

/// Notes the generation of the write's interrupt. True if that is another than was noted.
bool note_generation(const Kernel& kernel, IrqNumber irq, Write& write);

/// Writes, again after EINTR, and up to 5 times with 10 ms between them after EBUSY and EAGAIN.
[[nodiscard]] std::error_code put(const Kernel& kernel,
                                  const std::string& path,
                                  const std::string& text,
                                  const std::function<bool()>& still_holds);

/// True if the error may mean that the interrupt went away: to be looked for again.
[[nodiscard]] bool may_be_gone(const std::error_code& error) noexcept;

/// Fills state, error and hint of an outcome for a refusal of an interrupt that is still there.
void describe_refusal(const std::error_code& error, Outcome& outcome);

/// Fills them for an interrupt that is gone.
void describe_vanished(Outcome& outcome);

/// Fills them for one that the kernel made anew.
void describe_remade(Outcome& outcome);

}  // namespace irqtune
