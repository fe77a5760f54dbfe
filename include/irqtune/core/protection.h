// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace irqtune {

/// Why a CPU is protected. Source: the contract's definition of a protected CPU.
enum class ProtectionKind : std::uint8_t {
  vcpu,
  sibling,
  isolated,
  nohz_full,
  cpuset,
  polling,
  user
};

[[nodiscard]] std::string_view protection_text(ProtectionKind kind) noexcept;

/// One reason why a CPU must take no vector.
struct Protection {
  ProtectionKind kind{};
  std::string vm;          ///< Of the vCPUs (or of the sibling's vCPUs); empty otherwise.
  CpuSet vcpus;            ///< As `vm`: numbers of the vCPUs that have the same CPUs.
  std::string source;      ///< "process", "libvirt", "/sys/devices/system/cpu/isolated", "--avoid",
                           ///< "reactor_2 (thread 905)"
  std::optional<int> of;   ///< For a sibling: the CPU that it is a sibling of.
  std::optional<int> pid;  ///< Of the VM, if it runs: tells VMs of one name apart.
};

/// Who protects each protected CPU, by CPU number. A CPU that is not in it is not protected.
using ProtectionMap = std::map<int, std::vector<Protection>>;

/// What the user said about protection.
struct ProtectionRules {
  bool siblings = true;          ///< Also protect the SMT siblings of vCPUs' CPUs.
  bool include_defined = false;  ///< VMs that do not run protect their pins too.
  CpuSet avoid;                  ///< --avoid
};

/// Who protects which CPU of those that the host has. Pure; reasons in the order of ProtectionKind,
/// then VM, vCPU.
[[nodiscard]] ProtectionMap protections(const Host& host, const ProtectionRules& rules);

/// The online CPUs where vCPUs of a pool may run and that nothing protects.
[[nodiscard]] CpuSet pool_cpus(const Host& host,
                               const ProtectionRules& rules,
                               const ProtectionMap& protections);

/// The protected CPUs.
[[nodiscard]] CpuSet protected_cpus(const ProtectionMap& map);

/// "vCPU 2 of db1", "vCPUs 0-3 of db1".
[[nodiscard]] std::string vcpus_text(const Protection& protection);

/// "cpu6: vCPU 2 of db1 (libvirt)", "cpu7: sibling of cpu6, vCPU 2 of db1 (libvirt)".
[[nodiscard]] std::string protection_text(int cpu, const Protection& protection);

/// A line for each reason, vCPUs of one VM in one: "cpu6: vCPUs 0-3 of db1 (libvirt)".
[[nodiscard]] std::vector<std::string> protection_texts(int cpu,
                                                        const std::vector<Protection>& reasons);

/// True if a vCPU, or the sibling of one, protects the CPU: a vector there is a collision.
[[nodiscard]] bool protected_by_vcpu(const ProtectionMap& map, int cpu);

}  // namespace irqtune
