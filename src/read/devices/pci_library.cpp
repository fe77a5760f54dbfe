// SPDX-License-Identifier: Apache-2.0
#include "read/devices/pci_library.h"

#include "sys/libraries/library.h"

namespace irqtune {

namespace {

PciLibrary load() {
  const Library loader(IRQTUNE_LIBPCI, "libpci", "install it (Debian: libpci3)");
  PciLibrary library{};
  loader.find("pci_alloc", library.pci_alloc);
  loader.find("pci_cleanup", library.pci_cleanup);
  loader.find("pci_lookup_name", library.pci_lookup_name);
  loader.find("pci_set_name_list_path", library.pci_set_name_list_path);
  return library;
}

}  // namespace

const PciLibrary& pci_library() {
  static const PciLibrary kLibrary = load();
  return kLibrary;
}

}  // namespace irqtune
