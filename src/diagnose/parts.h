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

/// What rates mean on this host: "over 10 s", "since boot"; empty where there are none.
[[nodiscard]] std::string rate_basis(const Host& host);

/// ", 12/s since boot"; empty where there are no rates.
[[nodiscard]] std::string rate_note(const Host& host, double rate);

/// "24-27,30"
[[nodiscard]] std::string numbers_text(const std::vector<const Irq*>& irqs);

/// "CPUs 2-5", or "31 CPUs" where the list would fill the line.
[[nodiscard]] std::string list_or_count(std::string_view name,
                                        const std::string& list,
                                        std::size_t count,
                                        std::string_view noun);

/// "2-5,10-11", or "216 CPUs": for titles, beside which the finding has them all.
[[nodiscard]] std::string short_list(const CpuSet& cpus);

/// Interrupts a second of all of them, as far as that is known.
[[nodiscard]] double rate_of(const std::vector<const Irq*>& irqs);

/// True if it is known that these come so seldom that nobody notices: not by rates since boot,
/// which tell of other days, nor if one's rate is not known.
[[nodiscard]] bool are_idle(const Host& host, const std::vector<const Irq*>& irqs);

/// Fills in the interrupts and their devices.
void name_irqs(const std::vector<const Irq*>& irqs, Finding& finding);

constexpr std::size_t kMostEvidence = 8;  ///< Lines of a finding, as a rule.

/// Cuts a list to `most` lines, the last one saying how many are left out.
void shorten(std::vector<std::string>& lines, std::size_t most);

/// CPUs that vCPUs run on, and with `siblings` also those beside them.
[[nodiscard]] CpuSet vcpu_cpus(const ProtectionMap& protections, bool siblings);

/// A vector that the host serves itself, and that a handler waits for.
[[nodiscard]] bool is_served(const Irq& irq);

[[nodiscard]] bool runs(const Vm& vm);

/// True if every vCPU is pinned, and there are some.
[[nodiscard]] bool is_pinned(const Vm& vm);

/// All CPUs that the VM's pinned vCPUs may run on.
[[nodiscard]] CpuSet pins_of(const Vm& vm);

/// True of two nodes of one package that are about as near as one is to itself: an L3 cache as a
/// node, or a part of a socket (distance 12 at most; a node's own is 10).
[[nodiscard]] bool is_one_package(const Topology& topology, NodeId a, NodeId b);

/// True if the source ("libvirt") tells of the VM.
[[nodiscard]] bool is_from(const Vm& vm, std::string_view source);

/// Cores that belong to one VM's vCPUs alone.
[[nodiscard]] CpuSet dedicated_cpus(const Host& host);

/// The ids of the vCPUs' threads; none if one of them is unknown.
[[nodiscard]] std::vector<int> vcpu_threads(const Vm& vm);

/// The VM that has the device; else the process that holds it; else its address.
[[nodiscard]] std::string holder_name(const Host& host, const PciAddress& device);

/// "irqtune apply --vm NAME" where one VM has all the vectors; else with --device for each of a few
/// devices, or for everything.
[[nodiscard]] std::string apply_command(const Host& host, const std::vector<const Irq*>& irqs);

/// True if `text` matches one of the globs, or there are none: nothing was selected.
[[nodiscard]] bool selects(const std::vector<std::string>& globs, std::string_view text);

/// True if --device and --vm select the passed-through device.
[[nodiscard]] bool is_selected(const DiagnosisInput& input, const PciAddress& device);

/// True if the device's vectors are to be kept off vCPUs, and near their device.
[[nodiscard]] bool is_to_avoid(const DiagnosisInput& input, const PciAddress& device);

/// The CPUs of housekeeping that are nearest to the VM's pinned vCPUs; all of it if none is.
[[nodiscard]] CpuSet housekeeping_near(const DiagnosisInput& input, const Vm& vm);

/// True if a running VM has pinned vCPUs.
[[nodiscard]] bool has_pinned_vms(const Host& host);

/// A shell's loop that writes `value` to a file of each CPU below /sys/devices/system/cpu/cpuN/.
[[nodiscard]] std::string for_each_cpu(const CpuSet& cpus,
                                       std::string_view value,
                                       std::string_view file);

/// "/etc/rc.local:3: echo f > /proc/irq/9/smp_affinity"
[[nodiscard]] std::string line_text(const ConfigLine& line);

// Parts of the families, a file each.
void find_collisions(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_remote(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_host_irqs(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_storms(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_room(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_cpu_placement(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_vm_placement(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_vcpu_threads(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_shared_cpus(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_absent_pins(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_own_threads(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_tuners(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_interrupt_settings(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_command_line(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_power(const DiagnosisInput& input, std::vector<Finding>& findings);
void find_folklore(const DiagnosisInput& input, std::vector<Finding>& findings);

}  // namespace irqtune::diagnosis
