// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

namespace irqtune {

/// The id of every finding that `diagnose` can make, by family, in the order in which findings of
/// one severity are told. Ids are stable, and
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
    "esx-console-busy",
    // posting
    "posted-msi-clobber",
    "irq-posted",
    // placement
    "vector-on-vcpu",
    "vector-on-vcpu-sibling",
    "vector-on-isolated",
    "irq-thread-on-vcpu",
    "vector-remote",
    "host-irq-on-vcpu",
    "host-irq-on-isolated",
    "irq-storm",
    "cpu-crowded",
    "cpu-irq-busy",
    "effective-outside-mask",
    "vector-budget",
    "no-housekeeping-cpu",
    "device-node-unknown",
    "vm-remote-device",
    "vm-unpinned",
    "emulator-on-vcpu",
    "vcpu-pool-isolated",
    "vcpus-share-a-cpu",
    "vcpu-pin-absent",
    // conflicts
    "irqbalance-moves-vectors",
    "irqbalance-cpus",
    "tuned-moves-vectors",
    "crio-irq-affinity",
    "google-agent-irq-affinity",
    "link-irq-affinity",
    "irq-affinity-script",
    // kernel and host settings
    "default-affinity-on-vcpu",
    "intremap-off",
    "unsafe-interrupts",
    "iommu-off",
    "pci-nomsi",
    "posting-off",
    "threadirqs",
    "cmdline-conflict",
    "kernel-cmdline",
    "cpu-governor",
    "cpu-deep-idle",
    "halt-polling",
    "time-squeeze",
    // folklore
    "folklore-nox2apic",
    "folklore-max-cstate",
    "folklore-numa-aware",
    "folklore-netdev-budget",
    "folklore-ethtool-hkey",
});

}  // namespace irqtune
