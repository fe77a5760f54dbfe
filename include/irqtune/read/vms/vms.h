// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/sys/sysfs.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace irqtune {

/// Whose VMs protect CPUs, beside those that root or a manager of root's vouches for.
struct VmTrust {
  bool all = false;                ///< --trust-user-vms
  std::vector<std::string> users;  ///< Names of /etc/passwd, or numbers.
};

struct VmsRead {
  std::vector<Vm> vms;                ///< By name, then PID.
  std::vector<VfioUser> vfio_users;   ///< By PID; only as far as /proc/PID/fd may be read.
  std::set<PciAddress> vdpa_devices;  ///< Behind the vhost-vdpa of a VM: passed through in effect.
  DefaultSet default_set;             ///< What "pinned" was judged by.
  std::vector<std::string> warnings;
};

/// Every VM of the host, from every source there is, merged: processes, libvirt's and Proxmox's
/// files, cgroups. What runs beats what is written; where they differ, a warning says so. Never
/// throws for what it reads; a process that ends meanwhile is left out.
///
/// `topology.online` and the default set, `default_set` if given, decide who is pinned; `devices`
/// are the host's PCI devices by address (with `class_code`, `passthrough` and `iommu_group`), to
/// tell which of an IOMMU group a VM may hold.
[[nodiscard]] VmsRead read_vms(const Sysfs& sysfs,
                               const Topology& topology,
                               const std::vector<PciDevice>& devices,
                               const std::optional<CpuSet>& default_set = std::nullopt,
                               const VmTrust& trust = {});

/// Where a process may run that nobody has put anywhere: the online CPUs that PID 1 may use, cut by
/// what init.scope, system.slice and user.slice have in common. Where PID 1 cannot be read, what
/// the root cgroup's cpuset, isolation and partitions leave. Source: Linux fs/proc/array.c,
/// Cpus_allowed_list; Documentation/admin-guide/cgroup-v2.rst, cpuset.cpus.effective.
[[nodiscard]] DefaultSet read_default_set(const Sysfs& sysfs, const Topology& topology);

/// The isolated cpuset partitions of cgroup v2, by directory: valid ones only ("isolated", not
/// "isolated invalid (...)"). A partition of kind "root" still balances load, and protects nothing.
/// Source: Linux Documentation/admin-guide/cgroup-v2.rst, cpuset.cpus.partition; the root's
/// cpuset.cpus.isolated (6.12 has it, 6.1 has not). Warns where a host has too many to look at.
[[nodiscard]] std::vector<IsolatedSet> read_partitions(const Sysfs& sysfs,
                                                       std::vector<std::string>& warnings);

}  // namespace irqtune
