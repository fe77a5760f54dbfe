// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/read/interrupts.h"
#include "irqtune/read/read.h"
#include "irqtune/sys/sysfs.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// "6.12.95+deb12-amd64" -> {6, 12}; empty optional if it does not begin so.
[[nodiscard]] std::optional<std::pair<int, int>> kernel_version(std::string_view release);

/// CPUs and nodes from /sys/devices/system. What is odd is added to `warnings`.
[[nodiscard]] Topology read_topology(const Sysfs& sysfs, std::vector<std::string>& warnings);

/// What debugfs' VECTOR domain says of x86 CPUs: how many more vectors each can take (`avl`: not
/// allocated, nor kept for managed interrupts). Empty if the text is not that table, or a row is
/// odd. Source: Linux kernel/irq/matrix.c irq_matrix_debug_show(), 4.15 to 7.1, below the lines of
/// kernel/irq/irqdomain.c irq_domain_debug_show_one().
[[nodiscard]] std::map<int, std::size_t> parse_vector_domain(std::string_view text);

/// Fills Cpu::free_vectors where the kernel tells (CONFIG_GENERIC_IRQ_DEBUGFS, debugfs mounted,
/// root).
void read_free_vectors(const Sysfs& sysfs, Topology& topology);

/// Every PCI device, by address, with its node (or its nearest parent bridge's). `passthrough` is
/// told by vfio-dev/ and by the driver only; handler names are joined by the caller.
[[nodiscard]] std::vector<PciDevice> read_pci(const Sysfs& sysfs);

/// Fills PciDevice::name from pci.ids, the root's own or this machine's; without one, nothing.
void read_pci_names(const Sysfs& sysfs, std::vector<PciDevice>& devices);

/// The IRQs of a device by /sys/bus/pci/devices/ADDRESS/msi_irqs: number -> kind.
[[nodiscard]] std::map<std::uint32_t, VectorKind> read_msi_irqs(const Sysfs& sysfs,
                                                                const PciAddress& address);

/// The numbered rows joined with their devices: `device`, `vector` and, for what `detail` asks,
/// the files of /proc/irq/N. Vectors that are allocated but have no row are added. Devices that own
/// a vfio row become passed through.
void join_irqs(const Sysfs& sysfs, Detail detail, Host& host);

/// Irq::line of the lines that several handlers share or that a guest has, and
/// PciDevice::best_kind of the guests' devices on them.
void read_lines(const Sysfs& sysfs, Host& host);

/// The best kind of interrupt that a device's configuration space offers; empty optional if the
/// bytes end before that can be told, as they do for readers that are not root.
/// Source: PCI Local Bus Specification 3.0, 6.7 and 6.8: capability list, ids 0x05 and 0x11.
[[nodiscard]] std::optional<VectorKind> parse_config(std::string_view bytes) noexcept;

/// The first number of /proc/uptime: seconds since boot. Source: Linux fs/proc/uptime.c
[[nodiscard]] std::optional<double> parse_uptime(std::string_view text);

/// Waits, and tells `on_wait`, which may be empty, from time to time how many seconds are left.
void wait_seconds(double seconds, const std::function<void(double)>& on_wait);

/// Seconds since boot; empty optional if unknown.
[[nodiscard]] std::optional<double> read_uptime(const Sysfs& sysfs, std::string_view prefix);

/// Reads /proc/interrupts below `prefix` ("" or "/sample2"), again while CPUs come or go under way.
[[nodiscard]] InterruptTable read_interrupt_table(const Sysfs& sysfs, std::string_view prefix);

/// irq + softirq and total time of each CPU, in clock ticks, from the text of /proc/stat.
struct CpuTimes {
  std::uint64_t irq = 0;
  std::uint64_t total = 0;
};

[[nodiscard]] std::map<int, CpuTimes> parse_stat(std::string_view text);

/// Rates of `host.irqs` and busy shares of its CPUs, as `options` asks: from two live readings,
/// from sample2/ of a tree, or from the counts since boot.
void read_rates(const Sysfs& sysfs, const ReadOptions& options, Host& host);

/// Per-CPU rates between two readings of one interrupt, `seconds` apart. The kernel's counters wrap
/// at 2^32; one that fell by more than a wrap explains was made anew and counts from zero.
[[nodiscard]] std::vector<CpuRate> rates_between(const std::vector<CpuCount>& before,
                                                 const std::vector<CpuCount>& after,
                                                 double seconds);

/// How the vectors of `host` are delivered, from the hardware's and KVM's parameters.
void read_posted(const Sysfs& sysfs, Host& host);

}  // namespace irqtune
