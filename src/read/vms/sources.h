// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/read/vms/vms.h"
#include "irqtune/sys/sysfs.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Between the readers of one source each, and what merges them.

namespace irqtune {

/// A VM as one source tells it.
struct VmFound {
  Vm vm;                                 ///< With one source.
  bool named = true;                     ///< False: the name is made up from the PID.
  bool devices_known = false;            ///< `vm.devices` is all it has.
  bool closed = false;                   ///< What its process holds may not be seen.
  bool held_vfio = false;                ///< Its process has a vfio device or group open.
  std::optional<std::uint64_t> started;  ///< When its process was started, ticks since boot.
  bool by_manager = false;               ///< A runtime file of root's names its PID.
  bool live = false;                     ///< Tells how the VM runs, not how it is configured.
  bool common_mask = false;  ///< Its pins are one mask for all threads, which may be narrower.
  std::optional<int> vmid;   ///< Proxmox's number.
  std::string path;          ///< The file that tells; empty for a process.
};

/// What files tell of processes, so that their threads can be understood.
struct ProcessHints {
  std::set<int> pids;                              ///< Known to be VMs.
  std::map<int, std::map<int, int>> vcpu_tids;     ///< PID -> TID -> vCPU.
  std::map<int, std::vector<PciAddress>> devices;  ///< PID -> what it is given.
};

/// What a process holds of vfio.
struct VfioHeld {
  std::set<PciAddress> exact;  ///< Named by fdinfo or by a device node.
  std::set<int> groups;        ///< IOMMU groups, with all that is in them.
  std::size_t device_fds = 0;  ///< Devices opened, of whatever group.
  std::size_t named_fds = 0;   ///< Of them, those that are known to be some device.
  std::set<int> vcpus;         ///< kvm-vcpu:N
  std::set<std::string> vdpa;  ///< "vhost-vdpa-0"
  bool kvm_vm = false;
  std::error_code error;  ///< Why the descriptors cannot be read.
};

/// Sorts the list and removes what it has twice.
void sort_unique(std::vector<PciAddress>& addresses);

/// Reads /proc/PID/fd. Source: Linux drivers/vfio (device nodes, vfio_device_show_fdinfo() since
/// 6.18), virt/kvm/kvm_main.c (names of the anonymous inodes).
[[nodiscard]] VfioHeld read_held(const Sysfs& sysfs, int pid);

/// The devices that a process holds. `told`, from its command line and its files, narrows a group
/// to what it opened: a group also has bridges and devices that nobody opened.
[[nodiscard]] std::vector<PciAddress> held_devices(const Sysfs& sysfs,
                                                   const VfioHeld& held,
                                                   const std::vector<PciAddress>& told,
                                                   const std::vector<PciDevice>& devices);

/// Keeps a source of VMs within bounds: a line of text may claim thousands of vCPUs.
class VcpuBudget {
 public:
  /// False, and counted, if the source has said of too many vCPUs already.
  [[nodiscard]] bool take(std::size_t vcpus);

  /// Adds a warning if a VM was left out.
  void say_left_out(std::vector<std::string>& warnings) const;

 private:
  std::size_t taken_ = 0;
  std::size_t left_out_ = 0;
};

/// What the files of libvirt or Proxmox tell.
struct FilesRead {
  std::vector<VmFound> vms;  ///< Status files first.
  ProcessHints hints;
  std::vector<std::string> warnings;
  std::string first_denied;  ///< The first file that may not be read.
  std::size_t denied = 0;    ///< How many.

  void note_unreadable(const std::string& path, std::error_code error);

  /// One warning for all files that may not be read; `what` is what they would tell.
  void say_unreadable(std::string_view what);
};

[[nodiscard]] FilesRead read_libvirt(const Sysfs& sysfs);

/// `devices` resolve addresses without a function.
[[nodiscard]] FilesRead read_proxmox(const Sysfs& sysfs, const std::vector<PciDevice>& devices);

/// Adds what the cpusets of the VM's threads say: CPUs that are not known yet, and the source.
void read_cgroups(const Sysfs& sysfs,
                  const Topology& topology,
                  VmFound& found,
                  std::vector<std::string>& warnings);

struct ProcessesRead {
  std::vector<VmFound> vms;
  std::vector<VfioUser> vfio_users;
  std::set<int> pids;                 ///< Of all processes.
  std::set<PciAddress> vdpa_devices;  ///< Behind a VM's vhost-vdpa.
  std::set<int> vmms;                 ///< Of those that look like a VMM by name.
  std::vector<std::string> warnings;
};

[[nodiscard]] ProcessesRead read_processes(const Sysfs& sysfs,
                                           const ProcessHints& hints,
                                           const std::vector<PciDevice>& devices);

/// The value of "key:\t..." in a status file; empty optional if there is no such line.
[[nodiscard]] std::optional<std::string_view> status_field(std::string_view text,
                                                           std::string_view key) noexcept;

/// Whose process it is, by `Uid:` of its status (the effective one); empty if that is not there.
[[nodiscard]] std::optional<std::uint32_t> uid_of(const Sysfs& sysfs, int pid);

/// Ticks since boot, field 22 of stat; empty if the process is gone.
[[nodiscard]] std::optional<std::uint64_t> started_at(const Sysfs& sysfs, int pid);

/// The PCI device behind a node of vhost-vdpa ("vhost-vdpa-0"), or the one that its vDPA device
/// stands on. Source: Linux drivers/vhost/vdpa.c, vhost_vdpa_probe(); drivers/vdpa/vdpa.c.
[[nodiscard]] std::optional<PciAddress> device_of_vdpa(const Sysfs& sysfs,
                                                       std::string_view node,
                                                       const std::vector<PciDevice>& devices);

/// Marks VMs that ordinary users made and nobody vouches for, with one warning a user.
void mark_unvouched(const Sysfs& sysfs,
                    std::vector<VmFound*>& running,
                    const VmTrust& trust,
                    std::vector<std::string>& warnings);

/// Of more than four warnings that differ only by whom they are about, numbers, lists and paths,
/// the first stays, with how many there are: a host has dozens of VMs of one kind.
[[nodiscard]] std::vector<std::string> condensed(const std::vector<std::string>& warnings);

/// Decides who is pinned, and pinned to CPUs of its own. Without a CPU in `default_set`, nobody is.
void mark_pins(std::vector<Vm>& vms, const Topology& topology, const CpuSet& default_set);

/// What partitions of either kind, "isolated" or "root", leave to all others: the root cgroup's
/// effective cpuset. Empty optional without cgroup v2's cpusets.
[[nodiscard]] std::optional<CpuSet> read_root_cpuset(const Sysfs& sysfs);

/// The CPUs of cgroup v1 cpusets that switch load balancing off and that no other cpuset balances:
/// v1's way to what v2 calls an isolated partition. `cpuset.cpu_exclusive` alone is none: it keeps
/// siblings' cpusets apart, but tasks of the parents still run there. Without sets of no CPUs.
/// Source: Documentation/admin-guide/cgroup-v1/cpusets.rst 1.4 and 1.7; kernel/cgroup/cpuset.c,
/// generate_sched_domains().
[[nodiscard]] std::vector<IsolatedSet> read_unbalanced_cpusets(const Sysfs& sysfs,
                                                               std::vector<std::string>& warnings);

/// How many groups a walk looks at. A host of thousands of containers has some of them.
constexpr std::size_t kMaxGroups = 16384;

/// The warning that a walk over a directory of cgroups ended at kMaxGroups.
[[nodiscard]] std::string too_many_groups(std::string_view root);

}  // namespace irqtune
