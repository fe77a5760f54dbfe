// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/tree_writer.h"

#include <string>

namespace irqtune::fuzz {

/// A small host by hand with something in every file that irqtune reads: two nodes of four CPUs,
/// passed-through devices with MSI-X, MSI and INTx, QEMU, libvirt, Proxmox, cgroups, irqbalance and
/// a second reading.
[[nodiscard]] TreeItems base_tree();

/// The tree as an uncompressed tar archive. Items whose path or target tar has no room for are left
/// out.
[[nodiscard]] std::string tar_of(const TreeItems& items);

}  // namespace irqtune::fuzz
