// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/vmm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "snapshot/collect.h"

namespace irqtune {

namespace {

/// Files of each directory that matches a pattern.
struct Files {
  std::string_view directories;
  std::string_view names;
};

/// The one list of what a snapshot holds of the kernel's and the daemons' files. A reader that
/// looks at another file adds it here.
constexpr std::array kHostFiles = {
    Files{"/proc", "cmdline version modules"},
    Files{"/proc/sys/kernel", "osrelease hostname random/boot_id numa_balancing"},
    Files{"/sys/kernel", "realtime"},
    Files{"/proc/sys/net/core", "netdev_budget netdev_budget_usecs"},
    Files{"/proc/irq", "default_smp_affinity"},
    Files{"/proc/irq/[0-9]*", "*"},  // The handlers' directories too, which are empty.
    Files{"/sys/kernel/irq/[0-9]*", "*"},
    Files{"/sys/bus/pci/devices", "*"},
    Files{"/sys/bus/pci/devices/*",
          "class vendor device subsystem_vendor subsystem_device revision numa_node local_cpulist "
          "irq enable msi_bus power_state driver driver_override iommu_group iommu physfn virtfn* "
          "sriov_numvfs sriov_totalvfs msi_irqs/* msi_irqs/*/mode vfio-dev/* vdpa[0-9]*"},
    Files{"/sys/bus/pci/drivers/*", "module"},
    Files{"/sys/kernel/iommu_groups/*", "type devices/*"},
    Files{"/sys/class", "vfio-dev/* iommu/*"},
    Files{"/sys/class/vfio-dev/*", "device"},
    Files{"/sys/class/vhost-vdpa/*", "dev"},
    Files{"/sys/bus/vdpa/devices/*", "vhost-vdpa-*"},
    Files{"/sys/devices/virtual/iommu", "*"},
    Files{"/sys/devices/virtual/iommu/*", "intel-iommu/cap"},
    Files{"/sys/devices/system/cpu",
          "online offline possible present isolated nohz_full kernel_max smt/active smt/control "
          "cpuidle/current_driver cpuidle/current_governor"},
    Files{"/sys/devices/system/cpu/cpu[0-9]*",
          "online topology/* node* cpufreq/scaling_governor cpufreq/scaling_driver "
          "cpu_capacity power/pm_qos_resume_latency_us"},
    Files{"/sys/devices/system/cpu/cpu[0-9]*/cache/index*",
          "level type shared_cpu_list shared_cpu_map id size"},
    Files{"/sys/devices/system/cpu/cpu[0-9]*/cpuidle/state*", "name disable latency"},
    Files{"/proc/1", "status"},
    Files{"/sys/devices", "cpu_core/cpus cpu_atom/cpus cpu_lowpower/cpus"},
    Files{"/sys/devices/system/node", "online possible has_cpu has_memory"},
    Files{"/sys/devices/system/node/node[0-9]*", "cpulist cpumap distance cpu[0-9]*"},
    Files{"/sys/module/kvm", "parameters/*"},
    Files{"/sys/module/kvm_intel", "parameters/*"},
    Files{"/sys/module/kvm_amd", "parameters/*"},
    Files{"/sys/module/vfio", "parameters/*"},
    Files{"/sys/module/vfio_pci", "parameters/*"},
    Files{"/sys/module/vfio_iommu_type1", "parameters/*"},
    Files{"/sys/module/irqbypass", "parameters/* initstate"},
    Files{"/sys/kernel/debug/irq/domains", "VECTOR"},
    Files{"/sys/kernel/debug/kvm", "[0-9]*-[0-9]* [0-9]*-[0-9]*/vcpu[0-9]*/pid"},
    Files{"/run/libvirt/qemu", "*.xml *.pid"},
    Files{"/var/run/libvirt/qemu", "*.xml *.pid"},
    Files{"/etc/libvirt/qemu", "*.xml"},
    Files{"/run/libvirt/ch", "*.xml *.pid"},
    Files{"/var/run/libvirt/ch", "*.xml *.pid"},
    Files{"/etc/libvirt/ch", "*.xml"},
    Files{"/etc/pve", "qemu-server/*.conf mapping/pci.cfg"},
    Files{"/run/qemu-server", "*.pid"},
    Files{"/var/run/qemu-server", "*.pid"},
    Files{"/etc", "default/irqbalance sysconfig/irqbalance"},
};

constexpr std::string_view kVmFiles =
    "comm cmdline status stat cgroup exe task/*/comm task/*/status task/*/stat task/*/cgroup fd/* "
    "fdinfo/*";
constexpr std::string_view kServiceFiles = "comm cmdline status";

bool is_service(std::string_view comm) {
  constexpr std::array<std::string_view, 7> kNames = {
      "irqbalance", "tuned*", "libvirtd", "virtqemud", "kvm-pit/*", "kvm-nx-lpage-*", "irq/[0-9]*"};
  return std::ranges::any_of(kNames, [&](auto name) { return matches_glob(name, comm); });
}

bool is_agent(std::string_view comm) {
  return comm == "crio" || comm.starts_with("google_guest_ag");
}

/// True if the process has a VM or a passed-through device open, whatever its name.
bool holds_vm(const Sysfs& sysfs, const std::string& pid) {
  const auto directory = fmt::format("/proc/{}/fd", pid);
  const auto names = sysfs.list(directory);
  return std::ranges::any_of(names, [&](const std::string& name) {
    const auto target = sysfs.link_target(fmt::format("{}/{}", directory, name)).value_or("");
    return target.starts_with("anon_inode:kvm-v") || target.starts_with("/dev/vfio/") ||
           target == "anon_inode:[vfio-device]";
  });
}

constexpr int kMaxDepth = 16;

void take_cgroup(const Sysfs& sysfs,
                 Collector& collector,
                 const std::string& directory,
                 int depth) {
  for (const auto& name : sysfs.list(directory)) {
    const auto path = fmt::format("{}/{}", directory, name);
    if (name.starts_with("cpuset.") || name == "cgroup.procs" || name == "cgroup.threads" ||
        name == "cgroup.controllers") {
      collector.take(path);
    } else if (depth < kMaxDepth && name.find_first_of("\n") == std::string::npos) {
      take_cgroup(sysfs, collector, path, depth + 1);  // Of a file, this lists nothing.
    }
  }
}

}  // namespace

SnapshotProcesses find_snapshot_processes(const Sysfs& sysfs) {
  SnapshotProcesses found;
  for (const auto& name : sysfs.list("/proc")) {
    const auto pid = parse_number<int>(name);
    const auto comm = pid ? sysfs.read(fmt::format("/proc/{}/comm", name)) : std::nullopt;
    if (!comm) {
      continue;
    }
    if (is_service(*comm)) {
      found.services.insert(*pid);
    } else if (is_agent(*comm)) {
      found.agents.insert(*pid);
    } else if (vmm_of_comm(*comm) != nullptr || holds_vm(sysfs, name)) {
      found.vms.insert(*pid);
    }
  }
  return found;
}

void take_host_files(Collector& collector) {
  for (const auto& files : kHostFiles) {
    collector.take_all(files.directories, files.names);
  }
}

void take_processes(Collector& collector, const SnapshotProcesses& processes) {
  for (const int pid : processes.vms) {
    collector.take_all(fmt::format("/proc/{}", pid), kVmFiles);
  }
  for (const int pid : processes.services) {
    collector.take_all(fmt::format("/proc/{}", pid), kServiceFiles);
  }
  for (const int pid : processes.agents) {
    collector.take(fmt::format("/proc/{}/comm", pid));
  }
}

void take_cgroups(const Sysfs& sysfs, Collector& collector) {
  take_cgroup(sysfs, collector, "/sys/fs/cgroup", 0);
}

void take_moving(Collector& collector, std::string_view prefix) {
  collector.take_all(fmt::format("{}/proc", prefix), "interrupts stat softirqs uptime");
}

}  // namespace irqtune
