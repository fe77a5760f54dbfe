// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

std::string node_list(const std::set<NodeId>& nodes) {
  std::vector<std::string> numbers;
  numbers.reserve(nodes.size());
  for (const auto node : nodes) {
    numbers.push_back(std::to_string(static_cast<unsigned>(node)));
  }
  return fmt::format("{}", fmt::join(numbers, ","));
}

std::set<NodeId> nodes_of(const Host& host, const CpuSet& cpus) {
  std::set<NodeId> nodes;
  for (const int number : cpus.cpus()) {
    const auto* cpu = find_cpu(host.topology, number);
    if (cpu != nullptr && cpu->node) {
      nodes.insert(*cpu->node);
    }
  }
  return nodes;
}

void find_unknown_nodes(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto& host = input.host;
  auto finding = make_finding("device-node-unknown", Severity::info, {});
  for (const auto& device : host.devices) {
    if (!device.passthrough || device.node || host.topology.nodes.size() < 2) {
      continue;
    }
    const auto* vm = find_owner(host, device.address);
    const auto nodes = vm != nullptr ? nodes_of(host, pins_of(*vm)) : std::set<NodeId>{};
    finding.devices.push_back(device.address);
    finding.evidence.push_back(
        fmt::format("/sys/bus/pci/devices/{}/numa_node: -1, and none of its bridges knows",
                    device.address.to_string()));
    finding.remedy.push_back(fmt::format("irqtune plan --assume-node {}={}",
                                         device.address.to_string(),
                                         nodes.size() == 1 ? node_list(nodes) : std::string("N")));
  }
  if (finding.devices.empty()) {
    return;
  }
  finding.title = fmt::format("{} passed-through device{} of unknown NUMA node",
                              finding.devices.size(),
                              finding.devices.size() == 1 ? " is" : "s are");
  finding.cost = "its vectors are placed by its VM's node or by load alone, perhaps far from it";
  shorten(finding.evidence, 6);
  shorten(finding.remedy, 6);
  finding.remedy.emplace_back(
      "the slot's node stands in the board's manual; a firmware update may add it (ACPI _PXM); "
      "do not write numa_node, that taints the kernel");
  findings.push_back(std::move(finding));
}

/// The VM's devices that are on none of `nodes`, and the nodes they are on.
struct AwayDevices {
  std::vector<const PciDevice*> devices;
  std::set<NodeId> nodes;
};

AwayDevices devices_away(const Host& host, const Vm& vm, const std::set<NodeId>& nodes) {
  AwayDevices away;
  for (const auto& address : vm.devices) {
    const auto* device = find_device(host, address);
    if (device != nullptr && device->node && !nodes.contains(*device->node)) {
      away.devices.push_back(device);
      away.nodes.insert(*device->node);
    }
  }
  return away;
}

/// What is said of each VM that is away from devices of its own.
struct AwayVms {
  bool near = true;  ///< All of it within one package.
  std::vector<std::string> lines;
  std::vector<std::string> names;
  std::vector<PciAddress> devices;
  CpuSet cpus;
};

bool is_near(const Host& host, const std::set<NodeId>& nodes, const AwayDevices& away) {
  return std::ranges::all_of(away.nodes, [&](NodeId device) {
    return std::ranges::all_of(
        nodes, [&](NodeId node) { return is_one_package(host.topology, device, node); });
  });
}

void add_away(const Vm& vm, const AwayDevices& away, AwayVms& vms) {
  for (const auto* device : away.devices) {
    vms.lines.push_back(fmt::format("{} of {} is on node {}; the vCPUs are pinned to {}",
                                    device->address.to_string(),
                                    printable(vm.name),
                                    static_cast<unsigned>(*device->node),
                                    pins_of(vm).to_list()));
    vms.devices.push_back(device->address);
  }
  vms.names.push_back(vm.name);
  vms.cpus |= pins_of(vm);
}

void find_remote_vms(const DiagnosisInput& input, std::vector<Finding>& findings) {
  AwayVms vms;
  std::string title;
  std::string remedy =
      "pin the vCPUs and the memory of each to its device's node (libvirt: <vcpupin>, <numatune>), "
      "or give it a device of its own node";
  for (const auto& vm : input.host.vms) {
    const auto nodes = nodes_of(input.host, pins_of(vm));
    const auto away = devices_away(input.host, vm, nodes);
    if (!runs(vm) || !is_pinned(vm) || nodes.empty() || away.devices.empty() ||
        !selects(input.plan.policy.vms, vm.name)) {
      continue;
    }
    add_away(vm, away, vms);
    vms.near = vms.near && is_near(input.host, nodes, away);
    title = fmt::format("{} runs on node {}, {} of its devices on node {}",
                        printable(vm.name),
                        node_list(nodes),
                        away.devices.size(),
                        node_list(away.nodes));
  }
  if (vms.names.empty()) {
    return;
  }
  if (vms.names.size() > 1) {
    title = fmt::format("{} VMs run on another node than devices of theirs", vms.names.size());
  }
  auto finding = make_finding(
      "vm-remote-device", vms.near ? Severity::info : Severity::warning, std::move(title));
  finding.cost =
      vms.near ? "little: these nodes are parts of one package, and nothing crosses a link between "
                 "sockets"
               : "the device's DMA and its interrupts cross the link between the nodes, wherever "
                 "the vectors are";
  finding.evidence = std::move(vms.lines);
  shorten(finding.evidence, kMostEvidence);
  finding.remedy = {std::move(remedy)};
  finding.vms = std::move(vms.names);
  std::ranges::sort(vms.devices);
  finding.devices = std::move(vms.devices);
  finding.cpus = std::move(vms.cpus);
  findings.push_back(std::move(finding));
}

}  // namespace

void find_vm_placement(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_unknown_nodes(input, findings);
  find_remote_vms(input, findings);
  find_vcpu_threads(input, findings);
  find_shared_cpus(input, findings);
  find_absent_pins(input, findings);
  find_own_threads(input, findings);
}

}  // namespace irqtune::diagnosis
