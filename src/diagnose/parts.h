// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/diagnose/diagnose.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune::diagnosis {

// What several families need.

[[nodiscard]] Finding make_finding(std::string_view id, Severity severity, std::string title);

/// "12/s", "0.5/s"
[[nodiscard]] std::string rate_text(double per_second);

/// What rates mean on this host: "over 10 s", "since boot"; empty where there are none.
[[nodiscard]] std::string rate_basis(const Host& host);

/// ", 12/s since boot"; empty where there are no rates.
[[nodiscard]] std::string rate_note(const Host& host, double rate);

/// "24-27,30"
[[nodiscard]] std::string numbers_text(const std::vector<const Irq*>& irqs);

[[nodiscard]] double rate_of(const std::vector<const Irq*>& irqs);

/// Fills in the interrupts and their devices.
void name_irqs(const std::vector<const Irq*>& irqs, Finding& finding);

/// Cuts a list to `most` lines, the last one saying how many are left out.
void shorten(std::vector<std::string>& lines, std::size_t most);

/// CPUs that vCPUs run on, and with `siblings` also those beside them.
[[nodiscard]] CpuSet vcpu_cpus(const ProtectionMap& protections, bool siblings);

/// A vector that the host serves itself, and that a handler waits for.
[[nodiscard]] bool is_served(const Irq& irq);

/// The one CPU where the interrupt is headed; empty where that is unknown or several.
[[nodiscard]] std::optional<int> target_cpu(const Irq& irq);

/// The VM that has the device; else the process that holds it; else its address.
[[nodiscard]] std::string holder_name(const Host& host, const PciAddress& device);

/// "irqtune apply --vm NAME", or with --device where no VM has the device.
[[nodiscard]] std::string apply_command(const Host& host, const PciAddress& device);

/// The CPUs of housekeeping that are nearest to the VM's pinned vCPUs; all of it if none is.
[[nodiscard]] CpuSet housekeeping_near(const DiagnosisInput& input, const Vm& vm);

/// True if a running VM has pinned vCPUs.
[[nodiscard]] bool has_pinned_vms(const Host& host);

// Parts of the families, a file each.
void find_collisions(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_remote(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_room(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_cpu_placement(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_vm_placement(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_tuners(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_interrupt_settings(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_command_line(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_power(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_folklore(const DiagnosisInput& input, std::vector<Finding>& findings);

}  // namespace irqtune::diagnosis
