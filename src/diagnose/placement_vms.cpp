// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

bool from_libvirt(const Vm& vm) {
  return std::ranges::find(vm.sources, "libvirt") != vm.sources.end();
}

bool runs(const Vm& vm) {
  return vm.state == VmState::running;
}

bool is_pinned(const Vm& vm) {
  return !vm.vcpus.empty() &&
         std::ranges::all_of(vm.vcpus, [](const Vcpu& vcpu) { return vcpu.pinned; });
}

CpuSet pins_of(const Vm& vm) {
  CpuSet cpus;
  for (const auto& vcpu : vm.vcpus) {
    cpus |= vcpu.pinned && vcpu.cpus ? *vcpu.cpus : CpuSet{};
  }
  return cpus;
}

/// Cores that belong to one VM's vCPUs alone.
CpuSet dedicated_cpus(const Host& host) {
  CpuSet cpus;
  for (const auto& vm : host.vms) {
    for (const auto& vcpu : vm.vcpus) {
      cpus |= runs(vm) && vcpu.dedicated && vcpu.cpus ? *vcpu.cpus : CpuSet{};
    }
  }
  return cpus;
}

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

void find_remote_vms(const DiagnosisInput& input, std::vector<Finding>& findings) {
  for (const auto& vm : input.host.vms) {
    const auto nodes = nodes_of(input.host, pins_of(vm));
    const auto away = devices_away(input.host, vm, nodes);
    if (!runs(vm) || !is_pinned(vm) || nodes.empty() || away.devices.empty()) {
      continue;
    }
    auto finding = make_finding("vm-remote-device",
                                Severity::warning,
                                fmt::format("{} runs on node {}, {} of its devices on node {}",
                                            printable(vm.name),
                                            node_list(nodes),
                                            away.devices.size(),
                                            node_list(away.nodes)));
    finding.cost =
        "the device's DMA and its interrupts cross the link between the nodes, wherever the "
        "vectors are";
    for (const auto* device : away.devices) {
      finding.evidence.push_back(fmt::format("{} is on node {}; the vCPUs are pinned to {}",
                                             device->address.to_string(),
                                             static_cast<unsigned>(*device->node),
                                             pins_of(vm).to_list()));
      finding.devices.push_back(device->address);
    }
    shorten(finding.evidence, 4);
    finding.remedy = {
        fmt::format("pin the vCPUs and the memory of {} to node {} (libvirt: "
                    "<vcpupin>, <numatune>), or give it a device of node {}",
                    printable(vm.name),
                    node_list(away.nodes),
                    node_list(nodes))};
    finding.vms = {vm.name};
    finding.cpus = pins_of(vm);
    findings.push_back(std::move(finding));
  }
}

/// Cores of other VMs that a vCPU may come to run on.
CpuSet trespass(const Host& host, const Vm& vm, const CpuSet& dedicated) {
  CpuSet cpus;
  for (const auto& vcpu : vm.vcpus) {
    cpus |= !vcpu.pinned && vcpu.cpus ? *vcpu.cpus & dedicated : CpuSet{};
  }
  // The scheduler puts no thread on an isolated CPU by itself.
  return cpus - host.topology.isolated - pins_of(vm);
}

void find_unpinned(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto dedicated = dedicated_cpus(input.host);
  auto finding = make_finding("vm-unpinned", Severity::info, {});
  for (const auto& vm : input.host.vms) {
    const auto floating = std::ranges::count(vm.vcpus, false, &Vcpu::pinned);
    const auto over = trespass(input.host, vm, dedicated);
    const bool known =
        std::ranges::any_of(vm.vcpus, [](const Vcpu& vcpu) { return !vcpu.pinned && vcpu.cpus; });
    if (!runs(vm) || !known || (vm.devices.empty() && over.empty())) {
      continue;
    }
    finding.vms.push_back(vm.name);
    finding.cpus |= over;
    finding.severity = over.empty() ? finding.severity : Severity::warning;
    finding.evidence.push_back(
        fmt::format("{}: {} of {} vCPUs not pinned{}{}",
                    printable(vm.name),
                    floating,
                    vm.vcpus.size(),
                    vm.devices.empty() ? "" : ", " + counted(vm.devices.size(), "device"),
                    over.empty() ? "" : fmt::format(", may run on {}", over.to_list())));
  }
  if (finding.vms.empty()) {
    return;
  }
  const bool over = finding.severity == Severity::warning;
  finding.title =
      over ? fmt::format("vCPUs that are not pinned may run on cores of pinned ones ({})",
                         finding.cpus.to_list())
           : fmt::format("{} VM{} with passed-through devices run{} on no core of its own",
                         finding.vms.size(),
                         finding.vms.size() == 1 ? "" : "s",
                         finding.vms.size() == 1 ? "s" : "");
  finding.cost = over ? "the pinned vCPU waits while the other runs"
                      : "no core can be kept clear of interrupts for it";
  shorten(finding.evidence, 8);
  const auto free = input.plan.housekeeping.to_list();
  finding.remedy = {
      fmt::format("libvirt: virsh vcpupin VM VCPU CPULIST --live --config; Proxmox: "
                  "qm set VMID --affinity CPULIST{}",
                  free.empty() ? "" : fmt::format("; not yet taken: {}", free))};
  findings.push_back(std::move(finding));
}

/// One of the VMM's own threads that may run where vCPUs run.
struct OwnThread {
  std::string name;  ///< "emulator", "iothread 1"
  std::string id;    ///< Of an I/O thread in libvirt, "1"; empty for the emulator.
  CpuSet cpus;
  CpuSet over;  ///< vCPUs' cores among them.
};

std::vector<OwnThread> threads_over(const Host& host, const Vm& vm, const CpuSet& dedicated) {
  std::vector<OwnThread> threads;
  const auto add = [&](std::string name, std::string id, const std::optional<CpuSet>& cpus) {
    if (!cpus) {
      return;
    }
    const auto inside = dedicated.contains_all(*cpus);
    const auto over = inside ? *cpus : (*cpus & dedicated) - host.topology.isolated;
    if (!over.empty()) {
      threads.push_back({std::move(name), std::move(id), *cpus, over});
    }
  };
  add("emulator", {}, vm.emulator);
  for (const auto& thread : vm.iothreads) {
    auto id = printable(thread.id);  // A thread's name has it as "iothread1".
    id.erase(0, std::min(id.find_first_of("0123456789"), id.size()));
    add(fmt::format("iothread {}", printable(thread.id)), std::move(id), thread.cpus);
  }
  return threads;
}

std::vector<std::string> pin_threads(const Vm& vm,
                                     const std::vector<OwnThread>& threads,
                                     const std::string& cpus) {
  if (!from_libvirt(vm)) {
    return {vm.pid ? fmt::format("taskset -cp {} {}   # the main thread; likewise the I/O threads "
                                 "below /proc/{}/task",
                                 cpus,
                                 *vm.pid,
                                 *vm.pid)
                   : fmt::format("pin the VMM's own threads to {}", cpus)};
  }
  std::vector<std::string> lines = {fmt::format("virsh edit {}:", shell_word(vm.name)),
                                    "<cputune>"};
  for (const auto& thread : threads) {
    lines.push_back(
        thread.id.empty()
            ? fmt::format("  <emulatorpin cpuset='{}'/>", cpus)
            : fmt::format("  <iothreadpin iothread='{}' cpuset='{}'/>", thread.id, cpus));
  }
  lines.emplace_back("</cputune>");
  if (threads.front().id.empty()) {
    lines.push_back(
        fmt::format("at once: virsh emulatorpin {} {} --live", shell_word(vm.name), cpus));
  }
  return lines;
}

void find_emulators(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto dedicated = dedicated_cpus(input.host);
  for (const auto& vm : input.host.vms) {
    const auto threads = threads_over(input.host, vm, dedicated);
    // Of a VM that floats as a whole, vm-unpinned speaks.
    if (!runs(vm) || !is_pinned(vm) || threads.empty()) {
      continue;
    }
    auto finding = make_finding("emulator-on-vcpu", Severity::info, {});
    for (const auto& thread : threads) {
      finding.cpus |= thread.over;
      finding.evidence.push_back(fmt::format("{} may run on {}, vCPUs on {}",
                                             thread.name,
                                             thread.cpus.to_list(),
                                             thread.over.to_list()));
      // Nowhere else to go: it runs there each time it runs.
      finding.severity = thread.over == thread.cpus ? Severity::warning : finding.severity;
    }
    finding.title = fmt::format("{}'s own threads (emulator, I/O) may run on cores of vCPUs ({})",
                                printable(vm.name),
                                finding.cpus.to_list());
    finding.cost = "the vCPU waits while QEMU's main loop or an I/O thread runs on its core";
    shorten(finding.evidence, 6);
    const auto target = housekeeping_near(input, vm);
    finding.remedy = target.empty()
                         ? std::vector<std::string>{"no CPU is left for them: see "
                                                    "no-housekeeping-cpu"}
                         : pin_threads(vm, threads, target.to_list());
    finding.vms = {vm.name};
    findings.push_back(std::move(finding));
  }
}

}  // namespace

void find_vm_placement(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_unknown_nodes(input, findings);
  find_remote_vms(input, findings);
  find_unpinned(input, findings);
  find_emulators(input, findings);
}

}  // namespace irqtune::diagnosis
