// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string_view>

// The one table of programs that run VMs on KVM. A new one is a row and a test.

namespace irqtune {

/// How a VMM is called, and how it calls its threads. A comm has at most 15 characters.
struct Vmm {
  std::string_view name;                          ///< As people write it.
  std::span<const std::string_view> comms;        ///< Globs of its process' comm.
  std::span<const std::string_view> programs;     ///< Globs of the last component of argv[0].
  std::span<const std::string_view> vcpus;        ///< What stands before the number of a vCPU.
  std::span<const std::string_view> helpers;      ///< Globs of threads that run no vCPU.
  std::span<const std::string_view> names;        ///< Options that name the VM.
  std::span<const std::string_view> sockets;      ///< Options whose socket names the VM.
  std::span<const std::string_view> no_names;     ///< Sockets' names that tell nothing of the VM.
  std::span<const std::string_view> status_dirs;  ///< Where libvirt keeps status files of its VMs.
};

/// All of them; QEMU first.
[[nodiscard]] std::span<const Vmm> vmms() noexcept;

/// The VMM whose process has this comm; nullptr if none has.
[[nodiscard]] const Vmm* vmm_of_comm(std::string_view comm) noexcept;

/// The VMM of this program, the last component of argv[0]; nullptr if it is none.
[[nodiscard]] const Vmm* vmm_of_program(std::string_view program) noexcept;

[[nodiscard]] bool is_qemu(const Vmm* vmm) noexcept;

/// True of a thread of some VMM that is known to run no guest.
[[nodiscard]] bool is_helper_thread(std::string_view comm) noexcept;

/// The vCPU that a thread of this name (/proc/PID/task/TID/comm) runs: "CPU 3/KVM" and "CPU 3/TCG"
/// of QEMU, "vcpu3" of cloud-hypervisor, "fc_vcpu 3" of firecracker, "crosvm_vcpu3", "kvm-vcpu-3"
/// of kvmtool.
[[nodiscard]] std::optional<int> vcpu_of_thread(std::string_view comm) noexcept;

}  // namespace irqtune
