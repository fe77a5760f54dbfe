// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/sysfs.h"
#include "irqtune/watch/decide.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace irqtune {

/// Interrupt `irq` as it stands now, if it is a passed-through device's vector and has its handler;
/// empty optional otherwise.
[[nodiscard]] std::optional<SeenVector> see_vector(const Sysfs& sysfs, IrqNumber irq);

/// True if the interrupt has a handler, and that is not vfio's: it is none of a guest.
[[nodiscard]] bool has_other_handler(const Sysfs& sysfs, IrqNumber irq);

/// Vectors made anew, by the inode numbers of the files in msi_irqs/: a guest's reboot changes
/// nothing else.
class VectorPoll {
 public:
  explicit VectorPoll(const Sysfs& sysfs) : sysfs_(sysfs) {}

  /// Which devices to look at; what they have now is known, not new.
  void watch(const std::vector<PciAddress>& devices);

  [[nodiscard]] std::vector<PciAddress> devices() const;

  /// Those made since the last look.
  [[nodiscard]] std::vector<IrqNumber> made();

 private:
  using Generations = std::map<IrqNumber, std::uint64_t>;

  struct Known {
    Directory directory;  ///< Stays open: four looks a second at each device.
    Generations generations;
  };

  [[nodiscard]] Generations look(const PciAddress& device, Directory& directory) const;
  [[nodiscard]] std::vector<IrqNumber> made_of(const PciAddress& device, Known& known) const;

  const Sysfs& sysfs_;
  std::map<PciAddress, Known> devices_;
};

}  // namespace irqtune
