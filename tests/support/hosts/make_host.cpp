// SPDX-License-Identifier: Apache-2.0
#include "support/hosts/make_host.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune::test {

namespace {

constexpr std::uint32_t kFirstIrq = 24;
constexpr int kLocal = 10;
constexpr int kRemote = 21;

Cpu make_cpu(const Grid& grid, int number) {
  const int cores = grid.nodes * grid.cores;
  const int core = number % cores;
  Cpu cpu;
  cpu.number = number;
  cpu.online = true;
  cpu.package = core / grid.cores;
  cpu.core = core;
  cpu.node = NodeId{static_cast<std::uint32_t>(core / grid.cores)};
  cpu.llc = core * grid.llcs / grid.cores;
  for (int thread = 0; thread < grid.threads; ++thread) {
    cpu.siblings.insert(core + thread * cores);
  }
  return cpu;
}

Irq& add_irq(Host& host, const std::string& mask, double rate) {
  Irq irq;
  irq.number = IrqNumber{kFirstIrq};
  if (!host.irqs.empty()) {
    irq.number = IrqNumber{static_cast<std::uint32_t>(host.irqs.back().number) + 1};
  }
  irq.chip = "IR-PCI-MSIX";
  irq.affinity = cpus(mask);
  irq.effective = CpuSet{irq.affinity->first().value_or(0)};
  irq.settable = true;
  if (rate > 0) {
    irq.rates.push_back({irq.effective->first().value_or(0), rate});
    host.rate_source = RateSource::sampled;
  }
  host.irqs.push_back(std::move(irq));
  return host.irqs.back();
}

}  // namespace

CpuSet cpus(const std::string& list) {
  return CpuSet::parse_list(list).value();
}

PciAddress address(const std::string& text) {
  return PciAddress::parse(text).value();
}

Host make_host(const Grid& grid) {
  Host host;
  auto& topology = host.topology;
  for (int number = 0; number < grid.nodes * grid.cores * grid.threads; ++number) {
    topology.cpus.push_back(make_cpu(grid, number));
    topology.online.insert(number);
  }
  for (int id = 0; id < grid.nodes; ++id) {
    NumaNode node;
    node.id = NodeId{static_cast<std::uint32_t>(id)};
    for (const auto& cpu : topology.cpus) {
      if (cpu.node == node.id) {
        node.cpus.insert(cpu.number);
      }
    }
    node.distances.assign(static_cast<std::size_t>(grid.nodes), kRemote);
    node.distances[static_cast<std::size_t>(id)] = kLocal;
    topology.nodes.push_back(std::move(node));
  }
  return host;
}

PciDevice& add_device(Host& host, const std::string& text, std::optional<NodeId> node) {
  PciDevice device;
  device.address = address(text);
  device.driver = "vfio-pci";
  device.passthrough = true;
  device.node = node;
  device.node_source = node ? NodeSource::numa_node : NodeSource::unknown;
  const auto place =
      std::ranges::lower_bound(host.devices, device.address, {}, &PciDevice::address);
  return *host.devices.insert(place, std::move(device));
}

Irq& add_vector(Host& host, const std::string& device, const std::string& mask, double rate) {
  VectorId id{address(device), VectorKind::msix, 0};
  for (const auto& irq : host.irqs) {
    if (irq.vector && irq.vector->device == id.device) {
      id.index = static_cast<std::uint16_t>(irq.vector->index + 1);
    }
  }
  auto& irq = add_irq(host, mask, rate);
  irq.device = id.device;
  irq.vector = id;
  irq.posted = Posted::possible;
  irq.actions = {vfio_action_text(id)};
  return irq;
}

Irq& add_host_irq(Host& host, const std::string& name, const std::string& mask, double rate) {
  auto& irq = add_irq(host, mask, rate);
  irq.actions = {name};
  return irq;
}

Vm& add_vm(Host& host,
           const std::string& name,
           const std::vector<std::string>& pins,
           const std::vector<std::string>& devices) {
  Vm vm;
  vm.name = name;
  for (const auto& pin : pins) {
    Vcpu vcpu;
    vcpu.id = static_cast<int>(vm.vcpus.size());
    vcpu.cpus = pin.empty() ? host.topology.online : cpus(pin);
    vcpu.pinned = !pin.empty();
    vcpu.dedicated = vcpu.pinned;
    vcpu.source = "libvirt";
    vm.vcpus.push_back(std::move(vcpu));
  }
  for (const auto& device : devices) {
    vm.devices.push_back(address(device));
  }
  std::ranges::sort(vm.devices);
  const auto place = std::ranges::lower_bound(host.vms, name, {}, &Vm::name);
  return *host.vms.insert(place, std::move(vm));
}

Host two_nodes() {
  auto host = make_host({.nodes = 2, .cores = 4, .threads = 2, .llcs = 1});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"2", "3"}, {kNic});
  return host;
}

}  // namespace irqtune::test
