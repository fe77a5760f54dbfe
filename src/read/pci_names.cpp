// SPDX-License-Identifier: Apache-2.0
#include "read/parts.h"

#include <array>
#include <memory>

extern "C" {
#include <pci/pci.h>
}

namespace irqtune {

namespace {

struct Cleanup {
  void operator()(pci_access* access) const noexcept { ::pci_cleanup(access); }
};

using Access = std::unique_ptr<pci_access, Cleanup>;

/// pci.ids is broken. libpci expects its error function not to return, and by default it ends the
/// process.
struct BrokenList {};

__attribute__((noreturn)) void give_up(char* /*format*/,
                                       ...) {  // NOLINT(cert-dcl50-cpp): as say_nothing
  throw BrokenList{};
}

/// libpci calls its message functions unasked, for instance for an id that pci.ids lacks.
void say_nothing(char* /*format*/, ...) {}  // NOLINT(cert-dcl50-cpp): libpci's interface

/// pci_init() would set other functions, but it opens the bus, and ends the process where it
/// cannot.
Access open_access() {
  Access access(::pci_alloc());
  access->error = give_up;
  access->warning = say_nothing;
  access->debug = say_nothing;
  return access;
}

std::string look_up(pci_access* access, std::uint32_t vendor, std::uint32_t device) {
  constexpr int kFlags = PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS;
  std::array<char, 512> buffer{};
  // NOLINTNEXTLINE(*-vararg): libpci's interface
  const char* name = ::pci_lookup_name(access,
                                       buffer.data(),
                                       static_cast<int>(buffer.size()),
                                       kFlags,
                                       static_cast<int>(vendor),
                                       static_cast<int>(device));
  return name == nullptr ? std::string() : std::string(name);
}

}  // namespace

void read_pci_names(const Sysfs& sysfs, std::vector<PciDevice>& devices) {
  const auto access = open_access();
  std::shared_ptr<void> holder;  // Both outlive `access`' use of the path.
  std::string ids;
  for (const auto* path : {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"}) {
    ids = sysfs.live() ? std::string() : sysfs.library_path(path, holder);
    if (!ids.empty()) {
      ::pci_set_name_list_path(access.get(), ids.data(), 0);
      break;
    }
  }
  try {
    for (auto& device : devices) {
      if (device.vendor && device.device) {
        device.name = look_up(access.get(), *device.vendor, *device.device);
      }
    }
  } catch (const BrokenList&) {  // The others stay without a name.
    return;
  }
}

}  // namespace irqtune
