// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/cpu_set.h"
#include "irqtune/core/pci.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// Linux interrupt number: N of /proc/irq/N. A hint, not an identity: the kernel reuses numbers,
/// lowest free first, whenever a driver or a guest gives its vectors back. See VectorId.
enum class IrqNumber : std::uint32_t {};

/// N of /sys/devices/system/node/nodeN. "No node" (-1 in sysfs) is an empty optional, never a
/// value.
enum class NodeId : std::uint32_t {};

/// Who this host is. A file that could not be read leaves an empty optional.
struct HostId {
  std::optional<std::string> hostname;
  std::optional<std::string> kernel;   ///< /proc/sys/kernel/osrelease, "6.12.95+deb12-amd64"
  std::optional<std::string> boot_id;  ///< /proc/sys/kernel/random/boot_id
  std::optional<std::string> cmdline;
};

/// Kind of a core where the CPUs of one host differ.
enum class CpuKind : std::uint8_t { performance, efficiency, low_power };

struct Cpu {
  int number = 0;
  bool online = false;
  std::optional<int> package;  ///< physical_package_id
  std::optional<int> die;      ///< die_id; repeats per package
  std::optional<int> core;     ///< Index over the whole host, by lowest CPU; unlike sysfs' core_id.
  std::optional<int> llc;  ///< Index of the last-level cache over the whole host, by lowest CPU.
  std::optional<NodeId> node;
  CpuSet siblings;  ///< Online threads of its core, itself included; empty where unknown.

  /// Share of time in irq and softirq context, 0..1, from two /proc/stat readings.
  std::optional<double> irq_busy;

  /// Interrupt vectors that the kernel could still allocate on it (x86, debugfs); empty if unknown.
  std::optional<std::size_t> free_vectors;

  std::optional<CpuKind> kind;  ///< Empty where all CPUs are alike, or nothing tells.

  /// What it gets done, the fastest CPU of the host being 1024. Source: cpuN/cpu_capacity, Linux
  /// drivers/base/arch_topology.c; empty where the kernel does not know any difference.
  std::optional<int> capacity;
};

/// No NUMA distance is larger: the kernel keeps them in bytes. Source: numa_set_distance().
inline constexpr int kMaxDistance = 255;

struct NumaNode {
  NodeId id{};
  CpuSet cpus;  ///< Online CPUs; empty for a memory-only node.

  /// distances[i] is to nodes[i] of the same Topology, 1 to kMaxDistance; 10 is local, larger is
  /// farther. Empty where unknown. Source: node<N>/distance, one number per online node in id order
  /// (ACPI SLIT units).
  std::vector<int> distances;
};

/// The CPUs of a cpuset partition that only its own tasks may use.
struct IsolatedSet {
  std::string source;  ///< "/sys/fs/cgroup/vms: cpuset.cpus.partition isolated"
  CpuSet cpus;
};

struct Topology {
  std::vector<Cpu> cpus;        ///< Every present CPU, by number.
  std::vector<NumaNode> nodes;  ///< By id; empty without NUMA.
  CpuSet online;
  CpuSet isolated;                      ///< /sys/devices/system/cpu/isolated
  CpuSet nohz_full;                     ///< /sys/devices/system/cpu/nohz_full
  bool isolation_asked = false;         ///< Not the kernel's lists, but what /proc/cmdline asks.
  std::vector<IsolatedSet> partitions;  ///< Isolated cpuset partitions.
};

/// Interrupts of one CPU.
struct CpuCount {
  int cpu = 0;
  std::uint64_t count = 0;  ///< The kernel's counters wrap at 2^32.
  friend bool operator==(const CpuCount&, const CpuCount&) = default;
};

struct CpuRate {
  int cpu = 0;
  double rate = 0;  ///< Interrupts per second.
};

/// Whether the host's hardware delivers a vector to a running vCPU by itself.
enum class Posted : std::uint8_t { posted, remapped, possible, unknown };

/// A device that a driver of the host serves by a line.
struct LineDevice {
  PciAddress address;
  std::string driver;
  std::string module;  ///< Of the driver; empty if it is built in or not known.
};

/// More about a line that several handlers share or that a guest has: read for these only.
struct Line {
  std::vector<LineDevice> devices;  ///< By address; bound to a host driver, and on this line.

  /// Of the last 100,000 interrupts at most, how many no handler took. Source: Linux
  /// kernel/irq/spurious.c, /proc/irq/N/spurious.
  std::optional<std::uint64_t> unhandled;
};

/// One numbered row of /proc/interrupts joined with its /proc/irq/N directory.
struct Irq {
  IrqNumber number{};
  std::string chip;                    ///< "IR-PCI-MSIX-0000:3b:00.0", "IO-APIC", ...
  std::optional<std::uint64_t> hwirq;  ///< Number at the chip; coded differently per kernel.
  std::string trigger;                 ///< "edge", "level", another flow's name; empty if unknown.

  /// Handler names as printed, "vfio-msix[3](0000:3b:00.0)"; several on a shared line, none on an
  /// idle vector.
  std::vector<std::string> actions;
  std::vector<CpuCount> counts;  ///< Since boot, by CPU, zeros left out.
  std::vector<CpuRate> rates;    ///< By CPU, zeros left out; see Host::rate_source.
  bool rates_known = true;       ///< False if it was gone or another's at the second reading.
  bool listed = true;            ///< Has counts in /proc/interrupts; an idle vector may have none.

  std::optional<CpuSet> affinity;  ///< smp_affinity_list: what was asked for, even if not yet done.
  std::optional<CpuSet> effective;   ///< effective_affinity_list, as it stands; see Delivery.
  bool written_to_tree = false;      ///< A standing apply set its mask in a tree: no kernel obeyed.
  bool counted_since_write = false;  ///< Where it was when a standing apply wrote its mask.
  std::optional<NodeId> node;        ///< /proc/irq/N/node
  std::optional<bool> settable;      ///< Empty where only a write would tell (kernels before 6.12).

  std::optional<PciAddress>
      device;                      ///< Whose interrupt it is, by msi_irqs/ or by the handler name.
  std::optional<VectorId> vector;  ///< Empty unless `device` is passed through.
  std::optional<Posted> posted;    ///< Empty unless `vector` is set.

  /// Which making of it this is: the inode number of its file in msi_irqs/, of /sys/kernel/irq/N
  /// for a line, new each time the kernel makes the interrupt anew though its number and name stay.
  /// Read of passed-through devices' only; empty if unknown, as on a tree that does not record it.
  std::optional<std::uint64_t> generation;
  std::optional<Line> line;  ///< Empty unless shared or a guest's INTx, and read in detail.
};

/// A row of /proc/interrupts that is not an interrupt line: NMI, LOC, PIN, ERR, ...
struct CounterRow {
  std::string label;
  std::string text;  ///< "Non-maskable interrupts"
  std::uint64_t total = 0;
  std::size_t columns = 0;       ///< How many numbers it has.
  std::vector<CpuCount> counts;  ///< By CPU, zeros left out; empty of a row with one number.
};

enum class NodeSource : std::uint8_t { numa_node, parent, assumed, unknown };

struct PciDevice {
  PciAddress address;
  std::optional<std::uint32_t> class_code;  ///< 0x020000 for Ethernet, as in the `class` file.
  std::optional<std::uint32_t> vendor;      ///< 16 bits
  std::optional<std::uint32_t> device;      ///< 16 bits
  std::string name;    ///< "Intel Corporation 82574L Gigabit Network Connection"; empty if unknown.
  std::string driver;  ///< Empty if unbound.
  bool passthrough = false;
  std::optional<NodeId> node;
  NodeSource node_source = NodeSource::unknown;
  std::optional<int> iommu_group;
  std::optional<PciAddress> physfn;  ///< The physical function of a VF.

  /// How many vectors msi_irqs/ lists; empty where there is none, or it was not asked for.
  std::optional<std::size_t> msi_vectors;

  /// The best interrupt that its configuration space offers; empty if that was not read, which is
  /// done in detail only, and only for a passed-through device on INTx.
  std::optional<VectorKind> best_kind;
};

/// One vCPU thread and where it may run.
struct Vcpu {
  int id = 0;
  std::optional<CpuSet> cpus;  ///< Empty optional where no source tells.
  bool pinned = false;         ///< `cpus` lack some of the default set.

  /// Pinned to CPUs of its own: no pinned vCPU of another VM may run there, and they are at most
  /// one core, or no more cores than vCPUs of its VM that have the same CPUs. A pinned vCPU that is
  /// not dedicated is one of a pool.
  bool dedicated = false;
  std::optional<int> tid;
  std::string source;  ///< Who says so: "process", "libvirt", "proxmox", "cgroup".
};

struct IoThread {
  std::string id;
  std::optional<CpuSet> cpus;
  std::optional<int> tid = std::nullopt;
};

/// A thread of a VMM that runs no vCPU and is no I/O thread: a queue's, a block worker, vhost.
struct OwnThread {
  int tid = 0;
  std::string name;  ///< Its comm, or "vhost-PID" of a kernel thread that works for the VM.
  std::optional<CpuSet> cpus;
};

/// `paused`: its threads are there, and its guest does not run.
enum class VmState : std::uint8_t { running, paused, defined };

struct Vm {
  std::string name;
  std::string uuid;  ///< Empty if unknown.
  VmState state = VmState::running;
  std::optional<int> pid;
  std::vector<std::string> sources;  ///< "process", "libvirt", ...; sorted.
  std::vector<Vcpu> vcpus;           ///< By id.
  std::optional<CpuSet> emulator;    ///< Where the VMM's main thread may run.
  std::vector<IoThread> iothreads;
  std::vector<PciAddress> devices;  ///< Passed through, by address.
  std::vector<OwnThread> threads;   ///< All others of its threads, by TID.
  /// Ids of the vCPUs whose thread is taken by its place among others, and not known for certain.
  CpuSet unsure_vcpus;
  std::optional<int> vmid;       ///< Proxmox' number, which selects it as its name does.
  std::optional<CpuSet> cpuset;  ///< What its cgroup leaves to its main thread, if that is not all.
  std::string cgroup;            ///< That cgroup, below /sys/fs/cgroup.
  std::optional<std::uint32_t> uid;  ///< Whose process it is; empty where that is not known.
  /// A user made it whom nobody vouches for.
  bool unvouched = false;
  /// False of an unvouched one: it is shown, and its vCPUs count for nothing. True for a user who
  /// may not see who vouches, and cannot write anyway.
  bool protects = true;
};

/// True if its threads are there, whether its guest is paused or not.
[[nodiscard]] inline bool is_running(const Vm& vm) noexcept {
  return vm.state != VmState::defined;
}

/// "running", "paused", "defined"
[[nodiscard]] std::string_view state_text(VmState state) noexcept;

/// A thread bound to one CPU that hardly ever sleeps: a DPDK lcore, an SPDK reactor.
struct PollingThread {
  int tid = 0;
  std::string comm;
  int cpu = 0;
};

/// A process that holds vfio devices and is no VM: DPDK, SPDK, a test program.
struct VfioUser {
  int pid = 0;
  std::string comm;
  std::vector<PciAddress> devices;     ///< By address.
  std::vector<PollingThread> polling;  ///< By TID
};

/// The CPUs that a process may use which nobody has put anywhere: what "not pinned" means.
struct DefaultSet {
  CpuSet cpus;                       ///< Online ones; empty where no CPU is known to be online.
  std::vector<std::string> sources;  ///< "PID 1: 0-15", "system.slice: 0-1,6-15"
};

/// Where Irq::rates come from.
enum class RateSource : std::uint8_t { none, since_boot, sampled };

/// Everything the planner may know. Built once by `read_host`, never changed after.
struct Host {
  HostId id;
  Topology topology;
  std::vector<PciDevice> devices;    ///< By address.
  std::vector<Irq> irqs;             ///< By number.
  std::vector<CounterRow> counters;  ///< In the file's order.
  std::vector<Vm> vms;               ///< By name, then PID.
  std::vector<VfioUser> vfio_users;  ///< By PID
  RateSource rate_source = RateSource::none;
  std::optional<double> sample_seconds;    ///< Between the two readings, or the uptime.
  std::optional<CpuSet> default_affinity;  ///< /proc/irq/default_smp_affinity
  DefaultSet default_set;
  std::vector<std::string> warnings;  ///< What was odd but survivable, in reading order.
};

[[nodiscard]] std::string_view cpu_kind_text(CpuKind kind) noexcept;

/// nullptr if the host has no such interrupt.
[[nodiscard]] const Irq* find_irq(const Host& host, IrqNumber number) noexcept;

/// nullptr if the host has no such vector.
[[nodiscard]] const Irq* find_vector(const Host& host, const VectorId& vector) noexcept;

/// nullptr if the host has no such device.
[[nodiscard]] const PciDevice* find_device(const Host& host, const PciAddress& address) noexcept;

/// The running VM that has the device; else a defined one; nullptr if none has.
[[nodiscard]] const Vm* find_owner(const Host& host, const PciAddress& address) noexcept;

/// How many vectors each device has: what msi_irqs/ lists, else the interrupts known to be its.
[[nodiscard]] std::map<PciAddress, std::size_t> vector_counts(const Host& host);

/// nullptr if there is no such CPU.
[[nodiscard]] const Cpu* find_cpu(const Topology& topology, int number) noexcept;

/// Distance between two nodes, 10 for a node to itself; empty optional where the table is missing.
[[nodiscard]] std::optional<int> distance(const Topology& topology,
                                          NodeId from,
                                          NodeId to) noexcept;

/// Sum over all CPUs.
[[nodiscard]] std::uint64_t total_count(const Irq& irq) noexcept;
[[nodiscard]] double total_rate(const Irq& irq) noexcept;

}  // namespace irqtune
