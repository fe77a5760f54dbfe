// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace irqtune {

/// One of those that a line of /proc/vmware/interrupts names.
struct EsxOwner {
  std::string text;        ///< "COS irq 17 (PCI level)", "VMK vmnic0"; without brackets.
  bool console = false;    ///< The service console (COS); else the VMkernel (VMK).
  bool handled = true;     ///< False in angle brackets: mapped, but no driver is loaded for it.
  std::optional<int> irq;  ///< Of the console: N of "COS irq N".
};

struct EsxLine {
  unsigned vector = 0;                ///< As the hardware counts: 0x89.
  std::vector<std::uint64_t> counts;  ///< By PCPU, since boot.
  std::vector<EsxOwner> owners;       ///< In the file's order.
};

/// /proc/vmware/interrupts of a classic ESX host (2.x, 3.x).
struct EsxTable {
  std::vector<EsxLine> lines;         ///< In the file's order.
  std::vector<std::string> warnings;  ///< What was odd, with line numbers.
};

/// One row of the service console's /proc/interrupts.
struct EsxConsoleLine {
  int irq = 0;
  std::uint64_t count = 0;
  std::vector<std::string> drivers;  ///< "usb-uhci"
};

/// The service console's /proc/interrupts.
struct EsxConsole {
  std::vector<EsxConsoleLine> lines;  ///< By IRQ.
  std::vector<std::string> warnings;  ///< What was odd, with line numbers.
};

}  // namespace irqtune
