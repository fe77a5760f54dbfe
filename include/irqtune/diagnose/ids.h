// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

namespace irqtune {

/// The id of every finding that `diagnose` can make, by family. Ids are stable, and
/// docs/diagnose.md has a section for each; a test holds the two together.
inline constexpr auto kFindingIds = std::to_array<std::string_view>({
    // sharing
    "irq-shared-passthrough",
    "irq-shared-guests",
    "irq-shared-host",
    "irq-intx-passthrough",
    "irq-spurious",
    "irq-one-cpu",
    // classic ESX
    "esx-irq-shared",
    // posting
    "posted-msi-clobber",
    "irq-posted",
    // placement
    // conflicts
    // kernel and host settings
});

}  // namespace irqtune
