// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/read/vms/vmm.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The texts that tell of VMs, parsed. None of these functions throws; none opens a file.

namespace irqtune {

/// What a VMM's command line says. Empty where it does not.
struct VmmCommand {
  std::string program;  ///< Last component of argv[0].
  bool qemu = false;    ///< By that, whatever it emulates.
  std::string name;     ///< QEMU -name, firecracker --id, cloud-hypervisor's API socket.
  std::string uuid;
  std::optional<int> vmid;   ///< Proxmox: -id.
  std::optional<int> vcpus;  ///< At the start.
  bool vcpus_told = false;   ///< By the command line itself; else `vcpus` is QEMU's default.
  bool probe = false;        ///< QEMU -machine none: only asked what it can do.
  std::vector<std::string> iothreads;  ///< Ids of QEMU's -object iothread, in order.
  std::vector<std::string> vdpa;       ///< "vhost-vdpa-0": nodes below /dev
  /// vfio-pci, plain and JSON; --device, --vfio, --vfio-pci. By address.
  std::vector<PciAddress> devices;
};

/// Parses /proc/PID/cmdline: words separated by NUL. argv[0] may be anything: then the process'
/// `comm` tells what VMM it is, if given.
/// Source: QEMU qemu-options.hx; cloud-hypervisor vmm/src/config.rs; crosvm src/crosvm/cmdline.rs;
/// kvmtool builtin-run.c.
[[nodiscard]] VmmCommand parse_vmm_command(std::string_view cmdline, std::string_view comm = {});

/// A host address as QEMU, Proxmox and people write it: the domain may be missing, fields may be
/// shorter than sysfs has them ("1:0.0"). Without a function only if `any_function` is given, which
/// then says so. Empty optional otherwise.
[[nodiscard]] std::optional<PciAddress> parse_loose_address(std::string_view text,
                                                            bool* any_function = nullptr) noexcept;

/// `<numatune><memory .../>`
struct LibvirtMemory {
  std::string mode;
  std::string placement;
  CpuSet nodes;  ///< Numbers of nodes.
};

/// A libvirt domain, as configured or as it runs. CPU lists are as written; an absent element is an
/// empty optional.
struct LibvirtDomain {
  std::string name;
  std::string uuid;
  int vcpus = 1;               ///< At most
  std::optional<int> current;  ///< vCPUs at the start, where fewer
  std::vector<int> enabled;    ///< `<vcpus>`: those that are on, by id; empty without that element.
  std::optional<std::string> placement;  ///< "static" or "auto"
  std::optional<CpuSet> cpuset;          ///< Where vCPUs and the VMM run unless pinned.
  std::map<int, CpuSet> vcpupin;
  std::optional<CpuSet> emulatorpin;
  std::optional<int> iothreads;
  std::vector<int> iothread_ids;  ///< All of them, by id.
  std::map<int, CpuSet> iothreadpin;
  std::optional<LibvirtMemory> numatune;
  std::vector<PciAddress> hostdevs;            ///< Host side, in the file's order.
  std::vector<PciAddress> interface_hostdevs;  ///< Host side of `<interface type='hostdev'>`.
  std::vector<PciAddress> nvme_disks;          ///< Host side of `<disk type='nvme'>`.
  bool vdpa = false;  ///< It has what is a node of vDPA: an interface or a disk.
  std::vector<PciAddress> command_devices;  ///< Of `<qemu:commandline>`; by address.

  bool live = false;  ///< A status file: the rest is filled in, too.
  std::string state;  ///< "running", "paused", ...
  std::optional<int> pid;
  std::map<int, int> vcpu_tids;  ///< vCPU -> thread id.
  std::optional<CpuSet> numad;   ///< What placement='auto' came to.
};

struct LibvirtText {
  std::optional<LibvirtDomain> domain;  ///< Empty if the text is no domain: a warning says why.
  std::vector<std::string> warnings;    ///< With `path`.
};

/// Parses /etc/libvirt/qemu/NAME.xml (`<domain>`) or /run/libvirt/qemu/NAME.xml (`<domstatus>`).
/// Source: libvirt docs/formatdomain.rst, src/conf/domain_conf.c, src/qemu/qemu_domain.c.
[[nodiscard]] LibvirtText parse_libvirt_domain(std::string_view text, std::string_view path);

/// libvirt's CPU lists: numbers, ranges and exclusions, read from left to right: "1-4,^3,6". Empty
/// optional if `text` is no such list, or leaves no CPU. Source: libvirt src/util/virbitmap.c,
/// virBitmapParse().
[[nodiscard]] std::optional<CpuSet> parse_libvirt_list(std::string_view text);

/// An address of a hostpci line.
struct ProxmoxAddress {
  PciAddress address;
  bool all_functions = false;  ///< Written without a function: every one that the slot has.
  friend bool operator==(const ProxmoxAddress&, const ProxmoxAddress&) = default;
};

/// What a VM's configuration says, as far as irqtune needs it.
struct ProxmoxConfig {
  std::string name;                     ///< Empty if it has none.
  std::string uuid;                     ///< Of smbios1
  int vcpus = 1;                        ///< `vcpus`, or sockets x cores
  std::optional<CpuSet> affinity;       ///< One mask for all threads.
  std::vector<ProxmoxAddress> devices;  ///< Of hostpci lines, and those that `args` passes through.
  std::vector<std::string> mappings;    ///< hostpci lines that name a mapping instead.
  bool functions_chosen = false;      ///< vGPUs: which function each gets is settled at the start.
  bool is_template = false;           ///< Is never run.
  std::vector<std::string> warnings;  ///< What cannot be read.
};

/// Parses /etc/pve/qemu-server/VMID.conf up to its first section: snapshots and pending changes do
/// not run. Mediated devices are left out: the parent serves them.
/// Source: Proxmox qemu-server, PVE/QemuServer.pm and PVE/QemuServer/PCI.pm.
[[nodiscard]] ProxmoxConfig parse_proxmox_config(std::string_view text);

/// The devices of each mapping on `node`, from /etc/pve/mapping/pci.cfg: one list a device that the
/// mapping may stand for. Source: Proxmox pve-guest-common, PVE/Mapping/PCI.pm.
[[nodiscard]] std::map<std::string, std::vector<std::vector<ProxmoxAddress>>>
parse_proxmox_mappings(std::string_view text, std::string_view node);

}  // namespace irqtune
