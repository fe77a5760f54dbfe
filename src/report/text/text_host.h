// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/protection.h"
#include "irqtune/report/report.h"

#include <cstddef>
#include <optional>
#include <string>

namespace irqtune {

/// "0"; "-" if unknown.
[[nodiscard]] std::string node_text(const std::optional<NodeId>& node);

/// What the rates are of, in a line: "Rates: over 1.0 s."; empty where there are none.
[[nodiscard]] std::string rates_line(const Host& host);

/// Who holds a passthrough device that no VM has: "dpdk-testpmd (600)"; "unknown process" if it has
/// vectors but nobody was seen to hold it; else "nobody".
[[nodiscard]] std::string user_text(const Host& host,
                                    const PciAddress& address,
                                    std::size_t vectors);

/// The map of sockets, nodes, caches, cores and threads: what each CPU is for, and how many
/// passthrough vectors it takes now.
[[nodiscard]] std::string topology_text(const Host& host,
                                        const ProtectionMap& protections,
                                        const TextStyle& style);

/// The VMs, a row each, without the devices that no VM has.
[[nodiscard]] std::string vms_table(const Host& host,
                                    const ProtectionMap& protections,
                                    const TextStyle& style);

/// The VMs with pins and devices, and below them the passthrough devices that no VM has.
[[nodiscard]] std::string vms_text(const Host& host,
                                   const ProtectionMap& protections,
                                   const TextStyle& style);

}  // namespace irqtune
