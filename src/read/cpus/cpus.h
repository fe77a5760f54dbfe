// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/sys/sysfs.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// CPUs and nodes from /sys/devices/system. What is odd is added to `warnings`.
[[nodiscard]] Topology read_topology(const Sysfs& sysfs, std::vector<std::string>& warnings);

/// Fills Cpu::kind and Cpu::capacity where the host's CPUs differ: kinds by the PMUs that x86 has
/// for them (a low-power core is an atom that gets much less done than the others, where it has no
/// PMU of its own), elsewhere by what they get done. Source: Linux
/// arch/x86/events/intel/core.c, cpu_core, cpu_atom, cpu_lowpower.
void read_cpu_kinds(const Sysfs& sysfs, Topology& topology);

/// What debugfs' VECTOR domain says of x86 CPUs: how many more vectors each can take (`avl`: not
/// allocated, nor kept for managed interrupts). Empty if the text is not that table, or a row is
/// odd. Source: Linux kernel/irq/matrix.c irq_matrix_debug_show(), 4.15 to 7.1, below the lines of
/// kernel/irq/irqdomain.c irq_domain_debug_show_one().
[[nodiscard]] std::map<int, std::size_t> parse_vector_domain(std::string_view text);

/// Fills Cpu::free_vectors where the kernel tells (CONFIG_GENERIC_IRQ_DEBUGFS, debugfs mounted,
/// root). A file that is there and is not understood is added to `warnings`.
void read_free_vectors(const Sysfs& sysfs, Topology& topology, std::vector<std::string>& warnings);

}  // namespace irqtune
