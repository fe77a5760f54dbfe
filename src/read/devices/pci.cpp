// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/devices/devices.h"
#include "read/interrupts/irqs.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

constexpr std::string_view kDevices = "/sys/bus/pci/devices";

std::optional<std::uint32_t> read_hex(const Sysfs& sysfs, const std::string& path) {
  const auto text = sysfs.read(path);
  return text ? parse_hex<std::uint32_t>(trimmed(*text)) : std::nullopt;
}

std::optional<NodeId> read_node(const Sysfs& sysfs, const std::string& dir) {
  const auto text = sysfs.read(dir + "/numa_node");
  const auto number = text ? parse_number<int>(trimmed(*text)) : std::nullopt;
  return number && *number >= 0 ? std::optional(NodeId{static_cast<std::uint32_t>(*number)})
                                : std::nullopt;
}

/// The node of the nearest bridge above the device that has one. The device's real directory lies
/// below those of its bridges: "../../../devices/pci0000:20/0000:20:00.0/0000:21:00.0". A host
/// bridge ("pci0000:20") has no numa_node, but that of a VMD domain lies below the VMD device.
std::optional<NodeId> parent_node(const Sysfs& sysfs, const std::string& device_dir) {
  const auto resolved = sysfs.resolve(device_dir);
  if (!resolved) {
    return std::nullopt;
  }
  auto dir = *resolved;
  while (true) {
    dir.resize(std::min(dir.rfind('/'), dir.size()));
    const auto name = dir.substr(dir.rfind('/') + 1);
    if (!PciAddress::parse(name) && !name.starts_with("pci")) {
      return std::nullopt;
    }
    if (const auto node = read_node(sysfs, dir)) {
      return node;
    }
  }
}

PciDevice read_device(const Sysfs& sysfs, const PciAddress& address, const std::string& dir) {
  PciDevice device;
  device.address = address;
  device.class_code = read_hex(sysfs, dir + "/class");
  device.vendor = read_hex(sysfs, dir + "/vendor");
  device.device = read_hex(sysfs, dir + "/device");
  device.driver = sysfs.link_name(dir + "/driver").value_or("");
  device.passthrough =
      device.driver.find("vfio") != std::string::npos || sysfs.exists(dir + "/vfio-dev");
  device.node = read_node(sysfs, dir);
  if (device.node) {
    device.node_source = NodeSource::numa_node;
  } else if ((device.node = parent_node(sysfs, dir))) {
    device.node_source = NodeSource::parent;
  }
  if (const auto group = sysfs.link_name(dir + "/iommu_group")) {
    device.iommu_group = parse_number<int>(*group);
  }
  if (const auto physfn = sysfs.link_name(dir + "/physfn")) {
    device.physfn = PciAddress::parse(*physfn);
  }
  return device;
}

/// What one file of msi_irqs/ says; in Linux 3.2 to 3.13 it is a directory.
VectorKind read_kind(const Sysfs& sysfs, const std::string& path) {
  const auto text = sysfs.read(path);
  const auto mode = text ? text : sysfs.read(path + "/mode");
  return parse_kind(trimmed(mode.value_or(""))).value_or(VectorKind::msix);
}

}  // namespace

std::vector<PciDevice> read_pci(const Sysfs& sysfs) {
  std::vector<PciDevice> devices;
  for (const auto& name : sysfs.list(kDevices)) {
    if (const auto address = PciAddress::parse(name)) {
      devices.push_back(read_device(sysfs, *address, fmt::format("{}/{}", kDevices, name)));
    }
  }
  std::ranges::sort(devices, {}, &PciDevice::address);
  return devices;
}

std::map<std::uint32_t, VectorKind> read_msi_irqs(const Sysfs& sysfs, const PciAddress& address) {
  const auto dir = fmt::format("{}/{}/msi_irqs", kDevices, address.to_string());
  std::map<std::uint32_t, VectorKind> irqs;
  std::optional<VectorKind> kind;
  for (const auto& name : sysfs.list(dir)) {
    const auto number = parse_number<std::uint32_t>(name);
    if (!number) {
      continue;
    }
    if (!kind) {  // A device has one kind at a time, so one file tells.
      kind = read_kind(sysfs, fmt::format("{}/{}", dir, name));
    }
    irqs.emplace(*number, *kind);
  }
  return irqs;
}

}  // namespace irqtune
