// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/error.h"

#include "read/devices/devices.h"
#include "read/devices/pci_library.h"

#include <fmt/format.h>

#include <array>
#include <memory>

namespace irqtune {

namespace {

struct Cleanup {
  void operator()(pci_access* access) const noexcept { pci_library().pci_cleanup(access); }
};

using Access = std::unique_ptr<pci_access, Cleanup>;

// Without these libpci calls a null pointer for a bad line in pci.ids. It expects `error` not to
// return; it then looks no further, and the names up to that line are known.
// NOLINTBEGIN(cert-dcl50-cpp): libpci's interface
__attribute__((noreturn)) void refuse(char* /*format*/, ...) {
  throw Error(ErrorKind::host, "pci.ids: cannot be read");
}

void say_nothing(char* /*format*/, ...) {}

// NOLINTEND(cert-dcl50-cpp)

Access open_access() {
  Access access(pci_library().pci_alloc());
  access->error = refuse;
  access->warning = say_nothing;
  access->debug = say_nothing;
  return access;
}

/// `what` is PCI_LOOKUP_VENDOR, with or without PCI_LOOKUP_DEVICE. Empty if it is unknown.
std::string look_up(pci_access* access, int what, std::uint32_t vendor, std::uint32_t device) {
  // Without udev's hwdb, which libpci does not free, and which is not below the root.
  const int flags = what | PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB;
  std::array<char, 512> buffer{};
  // NOLINTNEXTLINE(*-vararg): libpci's interface
  const char* name = pci_library().pci_lookup_name(access,
                                                   buffer.data(),
                                                   static_cast<int>(buffer.size()),
                                                   flags,
                                                   static_cast<int>(vendor),
                                                   static_cast<int>(device));
  return name == nullptr ? std::string() : std::string(name);
}

/// As lspci says it: of an unknown device of a known vendor, "Intel Corporation Device fff1". Empty
/// if the vendor is unknown too, or if pci.ids is broken before the line that would tell.
std::string name_of(pci_access* access, const PciDevice& device) {
  if (!device.vendor || !device.device) {
    return {};
  }
  try {
    auto name =
        look_up(access, PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE, *device.vendor, *device.device);
    if (!name.empty()) {
      return name;
    }
    name = look_up(access, PCI_LOOKUP_VENDOR, *device.vendor, *device.device);
    return name.empty() ? name : fmt::format("{} Device {:04x}", name, *device.device);
  } catch (const Error&) {
    return {};
  }
}

/// Null without the library: a host without names is still a host.
Access open_if_installed() {
  try {
    return open_access();
  } catch (const Error&) {
    return nullptr;
  }
}

/// Empty if there is no such file, or none that libpci could read to its end.
std::string library_path(const Sysfs& sysfs, const char* path, std::shared_ptr<void>& holder) {
  try {
    return sysfs.library_path(path, holder);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

void read_pci_names(const Sysfs& sysfs, std::vector<PciDevice>& devices) {
  const auto access = open_if_installed();
  if (!access) {
    return;
  }
  std::shared_ptr<void> holder;  // Both outlive `access`' use of the path.
  std::string ids;
  for (const auto* path : {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"}) {
    ids = sysfs.live() ? std::string() : library_path(sysfs, path, holder);
    if (!ids.empty()) {
      pci_library().pci_set_name_list_path(access.get(), ids.data(), 0);
      break;
    }
  }
  for (auto& device : devices) {
    device.name = name_of(access.get(), device);
  }
}

}  // namespace irqtune
