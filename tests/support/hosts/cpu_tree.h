// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/hosts/fake_tree.h"

#include <string>
#include <string_view>

namespace irqtune::test {

/// Adds an online CPU's topology/ directory as kernels since 5.3 have it.
void add_cpu(
    FakeTree& tree, int cpu, int package, int core_id, std::string_view siblings, int die = 0);

/// Adds a CPU's cache/index directory.
void add_cache(
    FakeTree& tree, int cpu, int index, int level, std::string_view type, std::string_view shared);

/// Adds a node directory.
void add_node(FakeTree& tree, int node, std::string_view cpus, std::string_view distances);

/// Adds a PCI device below /sys/devices`parents`, with its link in /sys/bus/pci/devices.
/// `parents` is "/pci0000:20/0000:20:00.0", say. Returns its directory.
std::string add_pci(FakeTree& tree,
                    std::string_view parents,
                    std::string_view address,
                    std::string_view numa_node);

}  // namespace irqtune::test
