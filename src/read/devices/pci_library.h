// SPDX-License-Identifier: Apache-2.0
#pragma once

extern "C" {
#include <pci/pci.h>
}

namespace irqtune {

/// The functions of libpci that irqtune calls, by libpci's own names. The library is loaded when
/// devices are to be named: with udev's library, which it needs in turn, it would cost each start
/// of the program.
struct PciLibrary {
  // NOLINTBEGIN(readability-identifier-naming)
  decltype(&::pci_alloc) pci_alloc;
  decltype(&::pci_cleanup) pci_cleanup;
  decltype(&::pci_lookup_name) pci_lookup_name;
  decltype(&::pci_set_name_list_path) pci_set_name_list_path;
  // NOLINTEND(readability-identifier-naming)
};

/// Loads the library at the first call. Throws Error{host} if it is not installed or lacks one of
/// the functions.
[[nodiscard]] const PciLibrary& pci_library();

}  // namespace irqtune
