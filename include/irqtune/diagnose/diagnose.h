// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/esx.h"
#include "irqtune/core/finding.h"
#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"
#include "irqtune/core/protection.h"
#include "irqtune/core/settings.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace irqtune {

/// What `diagnose` looks at. Nothing is owned.
struct DiagnosisInput {
  const Host& host;
  const ProtectionMap& protections;
  const Plan& plan;  ///< What a fresh plan wants: its bounds, its reasons, what it cannot place.
  const Settings& settings;
  double shared_rate = 500;  ///< Interrupts per second; host drivers may share a line below that.

  /// The busiest CPU's rate after `--rebalance`, where that may be less than after `plan`.
  std::optional<double> rebalanced_rate = std::nullopt;
};

/// Everything that hurts on the host, worst first, then in the order of
/// kFindingIds. Pure; the same input gives the same
/// findings in the same order.
[[nodiscard]] std::vector<Finding> diagnose(const DiagnosisInput& input);

// The families of findings, one file each; in their own order.
[[nodiscard]] std::vector<Finding> find_sharing(const DiagnosisInput& input);
[[nodiscard]] std::vector<Finding> find_placement(const DiagnosisInput& input);
[[nodiscard]] std::vector<Finding> find_posting(const DiagnosisInput& input);
[[nodiscard]] std::vector<Finding> find_conflicts(const DiagnosisInput& input);
[[nodiscard]] std::vector<Finding> find_settings(const DiagnosisInput& input);

/// What a classic ESX host's tables say.
struct EsxInput {
  const EsxTable& table;
  const EsxConsole* console = nullptr;  ///< The service console's own table; nullptr: not given.
  std::uint64_t low_count = 10'000;     ///< A line with so many interrupts or fewer does not hurt.
};

/// Lines that the service console and the VMkernel share, worst first. Pure.
/// Source: VMware knowledge base 1290 and 1003710 (ESX 2.x and 3.x; not ESX 4, not ESXi).
[[nodiscard]] std::vector<Finding> diagnose_esx(const EsxInput& input);

/// Why changing an affinity would break a posted vector on this kernel, or may, one line; empty
/// optional where it would not, or nothing tells. True of intremap=posted_msi on 6.10 up to the fix
/// in 6.12.24, 6.13.12, 6.14.3 and 6.15; a distribution's own numbers of those kernels do not tell.
/// Source: Linux 688124cc541f "iommu/vt-d: Don't clobber posted vCPU IRTE when host IRQ affinity
/// changes", which fixes ed1e48ea4370.
[[nodiscard]] std::optional<std::string> why_posting_breaks(const HostId& id,
                                                            const PostingFacts& posting);

}  // namespace irqtune
