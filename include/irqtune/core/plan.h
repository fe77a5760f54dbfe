// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/cpu_set.h"
#include "irqtune/core/delivery.h"
#include "irqtune/core/host.h"
#include "irqtune/core/protection.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace irqtune {

enum class VmPolicy : std::uint8_t { avoid, colocate, leave };

/// What was said of the VMs that a name or a glob means.
struct VmRule {
  std::string name;
  VmPolicy policy = VmPolicy::avoid;
};
enum class Scope : std::uint8_t { passthrough, evict, all };
enum class Near : std::uint8_t { device, vm };

/// What the user wants; the planner knows nothing else of the user. Defaults as `--help` says.
struct Policy {
  std::vector<std::string> devices;       ///< Globs over PCI addresses; empty selects every device.
  std::vector<std::string> skip_devices;  ///< Globs over PCI addresses; over `devices`.
  std::vector<std::string> vms;  ///< Globs over VM names; empty selects every VM, and none.
  VmPolicy policy = VmPolicy::avoid;
  std::vector<VmRule> vm_rules;  ///< As given; `vm_policies` is what they come to on a host.
  std::map<std::string, VmPolicy> vm_policies;      ///< By VM name, over `policy`.
  std::map<std::string, VmPolicy> device_policies;  ///< By PCI address, over both.
  Scope scope = Scope::passthrough;
  ProtectionRules protection;
  std::optional<CpuSet> housekeeping;  ///< Only these may take vectors, pool CPUs among them too;
                                       ///< less the protected ones.
  double min_gain = 10;                ///< Percent
  std::optional<int> max_vectors_per_cpu;  ///< Empty: 200 on x86, no limit elsewhere.
  Near near_to = Near::device;
  double busy_threshold = 80;     ///< Percent of time in irq and softirq context
  bool pool_last = false;         ///< Pool CPUs after the housekeeping CPUs of other nodes.
  bool rebalance = false;         ///< May move vectors that are well placed.
  bool default_affinity = false;  ///< Also plan /proc/irq/default_smp_affinity.
};

/// Do --device and --vm select what the device, which the VM has, does? `vm` may be null.
[[nodiscard]] bool selects(const Policy& policy,
                           const std::optional<PciAddress>& device,
                           const Vm* vm);

/// What the policy says of the vectors of a device, which the VM has; `vm` may be null.
[[nodiscard]] VmPolicy policy_for(const Policy& policy, const PciAddress& device, const Vm* vm);

enum class Role : std::uint8_t { primary, auxiliary };

/// How near the target is to where the vector should be.
enum class Locality : std::uint8_t { llc, node, remote, unknown };

enum class Blocked : std::uint8_t { managed, no_candidate, budget, left };

/// What happens to one vector, and why.
struct Assignment {
  IrqNumber irq{};
  std::optional<VectorId> vector;    ///< Empty for a host device's interrupt (evict, all).
  std::optional<PciAddress> device;  ///< Empty for interrupts of no PCI device.
  std::vector<std::string> actions;  ///< Handler names, the identity where `vector` is empty.
  std::string vm;                    ///< Empty if no VM has the device.
  Role role = Role::primary;
  std::optional<double> rate;             ///< Interrupts per second
  std::optional<CpuSet> from;             ///< Requested mask now
  std::optional<CpuSet> from_effective;   ///< Effective CPUs now
  Delivery delivery;                      ///< Where it is delivered now.
  Standing standing = Standing::unknown;  ///< What that is to vCPUs.
  CpuSet to;            ///< One CPU where `change` is true; else where it stays (may be empty).
  bool change = false;  ///< `to` must be written.
  Locality locality = Locality::unknown;
  std::optional<int> distance;   ///< From the home node to the node of `to`; 10 is local.
  std::optional<Posted> posted;  ///< As Irq::posted.
  std::string reason;            ///< One line for people.
  std::optional<Blocked> blocked;
};

/// The state of the planned vectors, before or after.
struct Score {
  std::size_t vectors = 0;
  std::size_t collisions = 0;    ///< Vectors whose CPU is protected by a vCPU.
  std::size_t unknown = 0;       ///< Vectors of which it is not known where they are delivered.
  std::size_t remote = 0;        ///< Vectors on another node than their home node.
  std::size_t unknown_node = 0;  ///< Vectors without a home node.
  std::optional<double>
      max_cpu_rate;                  ///< Of the busiest CPU that may take vectors; empty: no rates.
  std::optional<double> rate_stdev;  ///< Over the CPUs that may take vectors.
  std::size_t cpus_used = 0;         ///< CPUs that take at least one of the vectors.
};

struct DefaultAffinity {
  std::optional<CpuSet> from;
  CpuSet to;
};

/// The planner's whole answer: every vector in scope is in `assignments`.
struct Plan {
  HostId host;
  Policy policy;
  ProtectionMap protections;
  CpuSet protected_cpus;
  CpuSet housekeeping;  ///< Online, neither protected nor of a pool; within Policy::housekeeping.
  CpuSet pool;          ///< CPUs of pools that may take vectors where housekeeping CPUs are full.
  Score before;
  Score after;
  std::optional<double> lower_bound;  ///< No plan can have a smaller largest rate; empty: no rates.
  std::vector<Assignment> assignments;  ///< By IRQ number.
  std::optional<DefaultAffinity> default_affinity;
  std::size_t managed_left_out = 0;  ///< Host devices' managed interrupts, for one summary line.
  bool names_protected = true;       ///< False of a plan from a file without `protected`.
  std::vector<std::string> warnings;
};

[[nodiscard]] std::string_view policy_text(VmPolicy policy) noexcept;
[[nodiscard]] std::string_view scope_text(Scope scope) noexcept;
[[nodiscard]] std::string_view near_text(Near near) noexcept;
[[nodiscard]] std::string_view role_text(Role role) noexcept;
[[nodiscard]] std::string_view locality_text(Locality locality) noexcept;
[[nodiscard]] std::string_view blocked_text(Blocked blocked) noexcept;

[[nodiscard]] std::optional<VmPolicy> parse_policy(std::string_view text) noexcept;
[[nodiscard]] std::optional<Scope> parse_scope(std::string_view text) noexcept;
[[nodiscard]] std::optional<Near> parse_near(std::string_view text) noexcept;

/// How many assignments change something, the default affinity included.
[[nodiscard]] std::size_t change_count(const Plan& plan) noexcept;

}  // namespace irqtune
