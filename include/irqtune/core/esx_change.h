// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace irqtune {

/// What became of a line that the service console and the VMkernel shared.
struct EsxChange {
  unsigned vector = 0;      ///< Before.
  std::string console;      ///< "COS irq 19 (PCI level)"
  std::string vmkernel;     ///< "VMK vmnic1"
  bool there = true;        ///< The VMkernel's driver has a line still, this one or another.
  bool shared = false;      ///< With the console.
  unsigned vector_now = 0;  ///< 0 unless `there`.
  std::uint64_t count = 0;  ///< Interrupts since; since boot if the host was booted meanwhile.
  std::size_t pcpus = 0;    ///< How many PCPUs took these.
  std::size_t of_pcpus = 0;
};

}  // namespace irqtune
