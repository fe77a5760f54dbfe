// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/read/cpus/lscpu.h"
#include "irqtune/read/vms/vms.h"
#include "irqtune/sys/clock.h"
#include "irqtune/sys/sysfs.h"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace irqtune {

/// Which interrupts get their /proc/irq/N files read: on a big host these cost more than parsing.
enum class Detail : std::uint8_t {
  passthrough,  ///< vfio vectors only
  devices,      ///< Every interrupt of a device
};

struct ReadOptions {
  Detail detail = Detail::passthrough;
  bool names = false;                         ///< Look up vendor and device names (pci.ids).
  std::optional<double> sample;               ///< Seconds between two readings, for rates.
  std::map<PciAddress, NodeId> assume_nodes;  ///< --assume-node
  bool devices_may_be_absent = false;         ///< Of those: a warning, no error.
  std::optional<CpuSet> default_set;          ///< --default-set, over what the host tells.
  VmTrust vm_trust;                           ///< --trust-user-vms, trusted-users
  std::optional<CpuText> cpu_text;            ///< --lscpu: for what sysfs does not say.

  /// Called about every 100 ms during a wait, with the seconds left; may be empty.
  std::function<void(double)> on_wait;
  Clock clock;
};

/// Who the host is, and nothing else.
[[nodiscard]] HostId read_host_id(const Sysfs& sysfs);

/// Reads the whole host. What is absent costs the facts it holds, named in Host::warnings; an
/// interrupt that vanishes while being read is left out.
/// Throws Error{usage} if --assume-node names a device or a node that the host does not have.
[[nodiscard]] Host read_host(const Sysfs& sysfs, const ReadOptions& options);

}  // namespace irqtune
