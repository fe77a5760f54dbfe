// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/delivery.h"
#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"
#include "irqtune/core/protection.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What is private to the planner: its working values, from selection to assignment.
namespace irqtune::planning {

/// Where a VM is, by the CPUs of its pinned vCPUs.
struct VmPlace {
  CpuSet cpus;                 ///< Of all pinned vCPUs.
  std::vector<NodeId> nodes;   ///< Nodes with at least one of `cpus`; ascending.
  std::optional<NodeId> node;  ///< The one that holds most vCPUs; lowest of equals.
  std::vector<int> llcs;       ///< Last-level caches of `cpus`; ascending.
};

/// What has to be looked up often, found once. Points into the host.
struct Index {
  const Host* host = nullptr;
  const Policy* policy = nullptr;
  std::map<PciAddress, const PciDevice*> devices;
  std::map<PciAddress, const Vm*> owners;  ///< The running VM that has it, else a defined one.
  std::map<const Vm*, VmPlace> places;
  std::map<PciAddress, double> busiest;  ///< Rate of each device's busiest vector.
  std::map<PciAddress, int> last_index;  ///< Highest vector index of each device.
  ProtectionMap protections;
  CpuSet protected_cpus;
  CpuSet housekeeping;
  CpuSet pool;                  ///< CPUs that may take vectors where housekeeping CPUs are full.
  CpuSet firsts;                ///< First threads among `housekeeping`, of cores with more there.
  CpuSet siblings;              ///< The other threads of those cores.
  std::map<int, int> standing;  ///< How many vectors are in place on each CPU; see place_of().
};

/// The CPU where the interrupt is in place: housekeeping, and all that its mask asks for.
[[nodiscard]] std::optional<int> place_of(const Index& index, const Irq& irq);

/// One interrupt that the plan speaks of.
struct Item {
  const Irq* irq = nullptr;
  const PciDevice* device = nullptr;  ///< nullptr if it is no PCI device's, or not known.
  const Vm* vm = nullptr;             ///< nullptr if no VM has the device.
  const VmPlace* place = nullptr;     ///< Of `vm`; nullptr if it pins no vCPU.
  VmPolicy policy = VmPolicy::avoid;
  Role role = Role::primary;
  Delivery delivery;           ///< Where it is delivered now.
  std::optional<double> rate;  ///< Interrupts per second
  double weight = 0;           ///< `rate`, or 1 for a primary where no rates are known.
  std::optional<NodeId> home;  ///< The node it should be on.
  std::optional<int> current;  ///< The one CPU it is headed to; empty if there are several.
  bool single = false;         ///< The requested mask is `current` alone.
  std::optional<int> target;   ///< What the planner decided.
  std::optional<Blocked> blocked;
};

/// A CPU that may take vectors.
struct Site {
  int cpu = 0;
  std::optional<NodeId> node;
  std::optional<int> llc;
  int core = 0;            ///< Equal for the threads of a physical core; no sysfs number.
  bool first = true;       ///< The first of its core's threads among the sites.
  bool covered = false;    ///< A primary that is not planned stands there; `evict` only.
  double base = 0;         ///< Load from interrupts that are not planned.
  double per_weight = 1;   ///< So much a weight of 1 loads it; see load_of().
  std::size_t slots = 0;   ///< How many vectors it may still take, planned ones that stay included.
  std::size_t taken = 0;   ///< Vectors of interrupts that are not planned.
  bool pool = false;       ///< Of a pool: only where no housekeeping CPU of the node is left.
  bool low_power = false;  ///< Takes primaries only where no other core of the node is left.
  bool busy = false;       ///< Above the threshold of irq and softirq time already.
};

/// `host` with each list in the order that its type promises; the same host in any other order
/// gives the same result.
[[nodiscard]] Host in_order(const Host& host);
[[nodiscard]] bool is_in_order(const Host& host);

[[nodiscard]] Index make_index(const Host& host, const Policy& policy);

/// The device of that address; nullptr if it is not known.
[[nodiscard]] const PciDevice* device_of(const Index& index,
                                         const std::optional<PciAddress>& address);

/// The VM that has the device; nullptr if none has.
[[nodiscard]] const Vm* owner_of(const Index& index, const std::optional<PciAddress>& address);

/// The node an interrupt of `device`, which `vm` has, should be on. Empty optional if nothing
/// tells.
[[nodiscard]] std::optional<NodeId> home_node(const Index& index,
                                              const PciDevice* device,
                                              const Vm* vm);

/// Everything in the policy's scope, by IRQ number, with `blocked` set where the planner has no
/// say.
struct Selection {
  std::vector<Item> items;
  std::size_t managed_left_out = 0;
  std::vector<VectorId> not_in_use;  ///< In scope, and nothing to plan yet; see is_in_use().
};

[[nodiscard]] Selection select(const Index& index);

/// True if `irq` is the host's own and may be moved, as far as is known, whatever the scope.
[[nodiscard]] bool is_own_and_movable(const Index& index, const Irq& irq);

/// Whether the vector carries data. See docs/planning.md for the rule.
[[nodiscard]] Role role_of(const Index& index, const Irq& irq);

/// The housekeeping CPUs with what they carry from all but the items that have still to be placed:
/// those with a target count there.
[[nodiscard]] std::vector<Site> make_sites(const Index& index, const std::vector<Item>& items);

/// Vectors a CPU may have, by option or by architecture; empty optional if there is no limit.
[[nodiscard]] std::optional<std::size_t> vector_budget(const Index& index);

/// How many vectors each CPU may take, by its number.
struct Room {
  std::map<int, std::size_t> slots;  ///< Those of items still to be placed included, if there now.
  std::map<int, std::size_t> taken;  ///< Of all that has its place.
};

/// What budgets leave on the host's CPUs: where the kernel tells how many it has left, that;
/// elsewhere the budget less what is headed there. An explicit --max-vectors-per-cpu holds for
/// both.
[[nodiscard]] Room room_on_cpus(const Index& index, const std::vector<Item>& items);

/// Where the item's interrupt is found: in `items`, which are by IRQ number; nullptr if not in it.
[[nodiscard]] const Item* find_item(const std::vector<Item>& items, const Irq& irq);

/// True if the planner has still to find the item a place.
[[nodiscard]] bool is_to_place(const Item& item);

/// From the home node; larger than any in a table where the table does not say.
[[nodiscard]] int cost(const Index& index, std::optional<NodeId> home, std::optional<NodeId> node);

/// The CPU's node; empty optional if the CPU is not known.
[[nodiscard]] std::optional<NodeId> node_of(const Index& index, int cpu);

}  // namespace irqtune::planning
