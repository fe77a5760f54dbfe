// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The texts that tell of VMs, parsed. None of these functions throws; none opens a file.

namespace irqtune {

/// What a VMM's command line says. Empty where it does not.
struct VmmCommand {
  std::string program;  ///< Last component of argv[0].
  std::string name;     ///< QEMU -name, firecracker --id, cloud-hypervisor's API socket.
  std::string uuid;
  std::optional<int> vmid;          ///< Proxmox: -id.
  std::optional<int> vcpus;         ///< At the start.
  std::vector<PciAddress> devices;  ///< vfio-pci, plain and JSON; --device, --vfio. By address.
};

/// Parses /proc/PID/cmdline: words separated by NUL.
/// Source: QEMU qemu-options.hx; cloud-hypervisor vmm/src/config.rs; crosvm src/crosvm/cmdline.rs.
[[nodiscard]] VmmCommand parse_vmm_command(std::string_view cmdline);

/// The vCPU that a thread of this name (/proc/PID/task/TID/comm) runs: "CPU 3/KVM" and "CPU 3/TCG"
/// of QEMU, "vcpu3" of cloud-hypervisor, "fc_vcpu 3" of firecracker, "crosvm_vcpu3".
[[nodiscard]] std::optional<int> vcpu_of_thread(std::string_view comm) noexcept;

/// A host address as QEMU, Proxmox and people write it: the domain may be missing, fields may be
/// shorter than sysfs has them ("1:0.0"). Without a function only if `any_function` is given, which
/// then says so. Empty optional otherwise.
[[nodiscard]] std::optional<PciAddress> parse_loose_address(std::string_view text,
                                                            bool* any_function = nullptr) noexcept;

}  // namespace irqtune
