// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

std::string_view without_prefix(std::string_view text, std::string_view prefix) noexcept {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : std::string_view{};
}

/// The device of /dev/vfio/devices/vfioX.
std::optional<PciAddress> address_of_node(const Sysfs& sysfs, std::string_view name) {
  name = name.starts_with("noiommu-") ? name.substr(std::string_view("noiommu-").size()) : name;
  const auto device = sysfs.link_name(fmt::format("/sys/class/vfio-dev/{}/device", name));
  return device ? PciAddress::parse(*device) : std::nullopt;
}

/// Last component of the device's path in sysfs: a PCI address, a mediated device's UUID.
std::optional<std::string> device_of_fdinfo(const Sysfs& sysfs, int pid, std::string_view fd) {
  const auto info = sysfs.read(fmt::format("/proc/{}/fdinfo/{}", pid, fd));
  const auto path = info ? status_field(*info, "vfio-device-syspath") : std::nullopt;
  if (!path) {
    return std::nullopt;
  }
  const auto slash = path->rfind('/');
  return std::string(slash == std::string_view::npos ? *path : path->substr(slash + 1));
}

/// Notes what one descriptor, a link to `target`, stands for.
void take_descriptor(
    VfioHeld& held, const Sysfs& sysfs, int pid, std::string_view fd, std::string_view target) {
  target = target.substr(0, target.find(" (deleted)"));
  const auto node = without_prefix(target, "/dev/vfio/devices/");
  if (const auto vcpu = parse_number<int>(without_prefix(target, "anon_inode:kvm-vcpu:"))) {
    held.vcpus.insert(*vcpu);
  } else if (target == "anon_inode:kvm-vm") {
    held.kvm_vm = true;
  } else if (target.starts_with("/dev/vhost-vdpa-")) {
    held.vdpa.emplace(without_prefix(target, "/dev/"));
  } else if (target == "anon_inode:[vfio-device]" || !node.empty()) {
    ++held.device_fds;
    const auto named = device_of_fdinfo(sysfs, pid, fd);
    const auto address = named           ? PciAddress::parse(*named)
                         : !node.empty() ? address_of_node(sysfs, node)
                                         : std::nullopt;
    held.named_fds += named || address ? 1U : 0U;
    if (address) {
      held.exact.insert(*address);
    }
  } else if (auto group = without_prefix(target, "/dev/vfio/"); !group.empty()) {
    group = group.starts_with("noiommu-") ? without_prefix(group, "noiommu-") : group;
    if (const auto number = parse_number<int>(group)) {
      held.groups.insert(*number);
    }
  }
}

/// False for bridges, for what no vfio driver has, and for what nobody has enabled, as vfio does
/// when the device is opened: a VM can hold none of these. Source: Linux
/// drivers/vfio/pci/vfio_pci_core.c, vfio_pci_core_enable().
bool may_be_held(const Sysfs& sysfs,
                 const PciAddress& address,
                 const std::vector<PciDevice>& devices) {
  constexpr std::uint32_t kBridge = 0x06;  // Base class of the 24-bit class code
  const auto device = std::ranges::lower_bound(devices, address, {}, &PciDevice::address);
  const bool known = device != devices.end() && device->address == address;
  if (known &&
      (!device->passthrough || (device->class_code && *device->class_code >> 16U == kBridge))) {
    return false;
  }
  const auto path = fmt::format("/sys/bus/pci/devices/{}/enable", address.to_string());
  return sysfs.read(path).value_or("1") != "0";
}

/// The devices of a group that a VM may hold.
struct Group {
  std::vector<PciAddress> members;
  std::size_t others = 0;  ///< Mediated devices and such, which are no PCI devices.
};

Group read_group(const Sysfs& sysfs, int group, const std::vector<PciDevice>& devices) {
  std::set<PciAddress> members;
  Group found;
  for (const auto& name : sysfs.list(fmt::format("/sys/kernel/iommu_groups/{}/devices", group))) {
    if (const auto address = PciAddress::parse(name)) {
      members.insert(*address);
    } else {
      ++found.others;
    }
  }
  const bool listed = !members.empty() || found.others > 0;
  for (std::size_t i = 0; !listed && i < devices.size(); ++i) {
    if (devices[i].iommu_group == group) {
      members.insert(devices[i].address);
    }
  }
  std::ranges::copy_if(members, std::back_inserter(found.members), [&](const PciAddress& address) {
    return may_be_held(sysfs, address, devices);
  });
  return found;
}

}  // namespace

void sort_unique(std::vector<PciAddress>& addresses) {
  std::ranges::sort(addresses);
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
}

std::optional<PciAddress> device_of_vdpa(const Sysfs& sysfs,
                                         std::string_view node,
                                         const std::vector<PciDevice>& devices) {
  // The node lies below its vDPA device, and that below its parent.
  const auto direct = sysfs.resolve(fmt::format("/sys/class/vhost-vdpa/{}", node));
  const auto path = direct ? direct : sysfs.resolve(fmt::format("/sys/dev/vhost-vdpa/{}", node));
  for (auto rest = path.value_or(""); !rest.empty(); rest.resize(rest.rfind('/'))) {
    if (const auto address = PciAddress::parse(rest.substr(rest.rfind('/') + 1))) {
      return address;
    }
  }
  for (const auto& name : sysfs.list("/sys/bus/vdpa/devices")) {
    const auto device = fmt::format("/sys/bus/vdpa/devices/{}", name);
    const auto parent = sysfs.exists(fmt::format("{}/{}", device, node))
                            ? sysfs.resolve(device).value_or("")
                            : std::string{};
    const auto above = parent.substr(0, parent.rfind('/'));
    if (const auto address = PciAddress::parse(above.substr(above.rfind('/') + 1))) {
      return address;
    }
  }
  const auto number = node.substr(node.rfind('-') + 1);
  for (const auto& device : devices) {  // A tree without the bus: its devices have one each.
    const auto path_of = fmt::format("/sys/bus/pci/devices/{}", device.address.to_string());
    if (sysfs.exists(fmt::format("{}/vdpa{}", path_of, number))) {
      return device.address;
    }
  }
  return std::nullopt;
}

VfioHeld read_held(const Sysfs& sysfs, int pid) {
  VfioHeld held;
  const auto directory = fmt::format("/proc/{}/fd", pid);
  for (const auto& [fd, target] : sysfs.links(directory, &held.error)) {
    take_descriptor(held, sysfs, pid, fd, target);
  }
  return held;
}

std::vector<PciAddress> held_devices(const Sysfs& sysfs,
                                     const VfioHeld& held,
                                     const std::vector<PciAddress>& told,
                                     const std::vector<PciDevice>& devices) {
  auto found = held.exact;
  if (held.device_fds > 0 && held.named_fds == held.device_fds) {
    return {found.begin(), found.end()};  // Each descriptor named its device.
  }
  std::vector<std::vector<PciAddress>> groups;
  std::size_t members = 0;
  for (const int number : held.groups) {
    auto group = read_group(sysfs, number, devices);
    members += group.members.size() + group.others;
    groups.push_back(std::move(group.members));
  }
  const bool all_opened = held.device_fds > 0 && held.device_fds >= members;
  for (const auto& group : groups) {
    std::vector<PciAddress> opened;
    std::ranges::copy_if(group, std::back_inserter(opened), [&](const PciAddress& address) {
      return std::ranges::find(told, address) != told.end();
    });
    const auto& taken = opened.empty() || all_opened ? group : opened;
    found.insert(taken.begin(), taken.end());
  }
  return {found.begin(), found.end()};
}

}  // namespace irqtune
