// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/read/cpus/lscpu.h"
#include "irqtune/read/vms/vms.h"

#include "read/cpus/cpus.h"
#include "read/devices/devices.h"
#include "read/interrupts/handler_threads.h"
#include "read/interrupts/irqs.h"
#include "read/interrupts/rates.h"
#include "read/vms/polling.h"
#include "sys/input_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace irqtune {

namespace {

/// "Linux version 6.1.0-56-amd64 (...)" -> the release.
std::optional<std::string> release_of(std::string_view version) {
  const auto fields = words(version);
  return fields.size() > 2 ? std::optional(std::string(fields[2])) : std::nullopt;
}

void append(std::vector<std::string>& list, std::vector<std::string> more) {
  std::ranges::move(more, std::back_inserter(list));
}

/// Without sysfs the columns of /proc/interrupts are the online CPUs.
void add_columns(const std::vector<int>& columns, Topology& topology) {
  for (const int number : columns) {
    if (number >= 0) {
      topology.online.insert(number);
    }
  }
  for (const int number : topology.online.cpus()) {
    Cpu cpu;
    cpu.number = number;
    cpu.online = true;
    topology.cpus.push_back(cpu);
  }
}

/// What the plan then does not see of a tree that holds less than a host.
void warn_of_missing(Host& host) {
  const auto& topology = host.topology;
  CpuSet alone;
  for (const auto& cpu : topology.cpus) {
    if (cpu.online && cpu.siblings.empty()) {
      alone.insert(cpu.number);
    }
  }
  if (!alone.empty()) {
    host.warnings.push_back(fmt::format(
        "the SMT siblings of CPUs {} are not known, and not protected", alone.to_list()));
  }
  if (topology.isolation_asked && !host.id.cmdline) {
    host.warnings.emplace_back(
        "/sys/devices/system/cpu/isolated: absent; isolated CPUs are not known");
  }
  if (topology.nodes.empty() && !topology.cpus.empty()) {
    host.warnings.emplace_back("/sys/devices/system/node: absent; NUMA nodes are not known");
  }
}

/// What sysfs does not say of the CPUs is in the columns of the table and in the text.
void add_cpus(const std::vector<int>& columns, const std::optional<CpuText>& text, Host& host) {
  if (host.topology.cpus.empty()) {
    add_columns(columns, host.topology);
    if (!text) {
      host.warnings.emplace_back("/sys/devices/system/cpu: absent; CPUs are known by number only");
    }
  }
  if (text) {
    append(host.warnings, text->warnings);
    append(host.warnings, merge_cpu_text(host.topology, *text));
  }
}

/// Throws Error{usage} if the host is known not to have the node.
void require_node(const Topology& topology, const PciAddress& address, NodeId node) {
  const auto& nodes = topology.nodes;
  if (nodes.empty() || std::ranges::find(nodes, node, &NumaNode::id) != nodes.end()) {
    return;
  }
  std::vector<std::uint32_t> ids;
  std::ranges::transform(nodes, std::back_inserter(ids), [](const NumaNode& one) {
    return static_cast<std::uint32_t>(one.id);
  });
  throw Error(ErrorKind::usage,
              fmt::format("--assume-node {}={}: this host has no such node",
                          address.to_string(),
                          static_cast<std::uint32_t>(node)),
              fmt::format("there {}: {}", ids.size() == 1 ? "is" : "are", fmt::join(ids, ", ")));
}

/// Throws Error{usage} unless the options allow that a device is absent; then it is a warning.
void note_absent(const ReadOptions& options, const PciAddress& address, Host& host) {
  auto what = fmt::format("--assume-node {}: this host has no such device", address.to_string());
  if (!options.devices_may_be_absent) {
    throw Error(ErrorKind::usage, what, "`irqtune show devices` lists them");
  }
  host.warnings.push_back(std::move(what));
}

void assume_nodes(const ReadOptions& options, Host& host) {
  for (const auto& [address, node] : options.assume_nodes) {
    const auto found = std::ranges::lower_bound(host.devices, address, {}, &PciDevice::address);
    if (found == host.devices.end() || found->address != address) {
      note_absent(options, address, host);
      continue;
    }
    require_node(host.topology, address, node);
    found->node = node;
    found->node_source = NodeSource::assumed;
  }
}

/// What a VM has through vDPA is its own as if it were passed through, and so are its vectors.
void pass_through(const Sysfs& sysfs, Detail detail, const std::set<PciAddress>& vdpa, Host& host) {
  for (auto& device : host.devices) {
    device.passthrough = device.passthrough || vdpa.contains(device.address);
  }
  if (!vdpa.empty()) {
    join_irqs(sysfs, detail, host);
  }
}

}  // namespace

HostId read_host_id(const Sysfs& sysfs) {
  HostId id;
  id.hostname = sysfs.read("/proc/sys/kernel/hostname");
  id.kernel = sysfs.read("/proc/sys/kernel/osrelease");
  if (!id.kernel) {
    id.kernel = release_of(sysfs.read("/proc/version").value_or(""));
  }
  id.boot_id = sysfs.read("/proc/sys/kernel/random/boot_id");
  id.cmdline = sysfs.read("/proc/cmdline");
  return id;
}

Host read_host(const Sysfs& sysfs, const ReadOptions& options) {
  Host host;
  host.id = read_host_id(sysfs);
  auto table = read_interrupt_table(sysfs, "");
  host.irqs = std::move(table.irqs);
  host.counters = std::move(table.counters);
  append(host.warnings, std::move(table.warnings));
  host.topology = read_topology(sysfs, host.warnings);
  add_cpus(table.cpus, options.cpu_text, host);
  warn_of_missing(host);
  read_free_vectors(sysfs, host.topology, host.warnings);
  host.topology.partitions = read_partitions(sysfs, host.warnings);
  host.devices = read_pci(sysfs);
  if (host.devices.empty()) {
    host.warnings.emplace_back(
        "/sys/bus/pci/devices: absent or empty; devices are known by address only");
  }
  read_true_names(sysfs, table.doubtful, host);
  join_irqs(sysfs, options.detail, host);
  if (options.detail == Detail::devices) {
    read_lines(sysfs, host);
  }
  assume_nodes(options, host);
  if (options.names) {
    read_pci_names(sysfs, host.devices);
  }
  auto vms = read_vms(sysfs, host.topology, host.devices, options.default_set, options.vm_trust);
  host.default_set = std::move(vms.default_set);
  pass_through(sysfs, options.detail, vms.vdpa_devices, host);
  host.vms = std::move(vms.vms);
  host.vfio_users = std::move(vms.vfio_users);
  append(host.warnings, std::move(vms.warnings));
  read_handler_threads(sysfs, host);
  if (const auto mask = sysfs.read("/proc/irq/default_smp_affinity")) {
    host.default_affinity = CpuSet::parse_mask(*mask);
  }
  const auto bound = read_bound_threads(sysfs, host.vfio_users);
  read_rates(sysfs, options, host);
  find_polling(sysfs, bound, host);
  read_posted(sysfs, host);
  for (const auto& file : sysfs.passed_over()) {
    host.warnings.push_back(file + "; taken as absent");
  }
  return host;
}

}  // namespace irqtune
