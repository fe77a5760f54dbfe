// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "plan/model.h"

namespace irqtune::planning {

namespace {

constexpr std::uint32_t kNvmeClass = 0x010802;
constexpr std::uint32_t kVirtioVendor = 0x1af4;

Role role_by_layout(const Index& index, const Irq& irq) {
  const auto device = irq.device ? index.devices.find(*irq.device) : index.devices.end();
  if (!irq.vector || device == index.devices.end()) {
    return Role::primary;
  }
  const auto& pci = *device->second;
  const bool several = index.last_index.at(irq.vector->device) > 0;
  const bool admin_first = pci.class_code == kNvmeClass || pci.vendor == kVirtioVendor;
  return several && admin_first && irq.vector->index == 0 ? Role::auxiliary : Role::primary;
}

}  // namespace

Role role_of(const Index& index, const Irq& irq) {
  constexpr double kTelling = 10;  // Interrupts per second
  constexpr double kQuiet = 1;     // Interrupts per second
  constexpr double kQuietShare = 0.01;
  const auto busiest = irq.device ? index.busiest.find(*irq.device) : index.busiest.end();
  const bool blind = irq.posted == Posted::posted;  // The host does not see these at all.
  if (blind || busiest == index.busiest.end() || busiest->second < kTelling) {
    return role_by_layout(index, irq);
  }
  const double rate = total_rate(irq);
  return rate < kQuiet || rate < kQuietShare * busiest->second ? Role::auxiliary : Role::primary;
}

}  // namespace irqtune::planning
