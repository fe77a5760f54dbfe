// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "plan/model.h"

#include <algorithm>
#include <array>
#include <span>

namespace irqtune::planning {

namespace {

/// Which vector of a device carries no data.
enum class Quiet : std::uint8_t { none, first, last, every };

/// A kind of device, known by class or by identifiers, and how its drivers use its vectors.
struct Layout {
  std::uint32_t class_mask = 0;  ///< Bits of the class code that must equal `class_code`; 0: any.
  std::uint32_t class_code = 0;
  std::uint32_t vendor = 0;                ///< 0: any.
  std::span<const std::uint32_t> devices;  ///< Empty: any.
  Quiet quiet = Quiet::none;
};

constexpr std::uint32_t kWholeClass = 0xffffff;
constexpr std::uint32_t kSubclass = 0xffff00;
constexpr std::uint32_t kBaseClass = 0xff0000;

// Device identifiers, by driver.
constexpr auto kE1000e = std::to_array<std::uint32_t>({0x10d3, 0x10f6});
constexpr auto kIgbvf = std::to_array<std::uint32_t>({0x10ca, 0x1520, 0x152d, 0x152f});
constexpr auto kIgb = std::to_array<std::uint32_t>({0x10c9,
                                                    0x10e6,
                                                    0x10e7,
                                                    0x10e8,
                                                    0x150a,
                                                    0x150e,
                                                    0x1521,
                                                    0x1522,
                                                    0x1523,
                                                    0x1524,
                                                    0x1533,
                                                    0x1534,
                                                    0x1536,
                                                    0x1537,
                                                    0x1538,
                                                    0x1539});
constexpr auto kIxgbe = std::to_array<std::uint32_t>({0x10fb,
                                                      0x10fc,
                                                      0x10ed,
                                                      0x1515,
                                                      0x1528,
                                                      0x154d,
                                                      0x1557,
                                                      0x1558,
                                                      0x1560,
                                                      0x1563,
                                                      0x1564,
                                                      0x1565,
                                                      0x15a8,
                                                      0x15a9,
                                                      0x15aa,
                                                      0x15ab,
                                                      0x15ac,
                                                      0x15ad,
                                                      0x15c5});
constexpr auto kI40e = std::to_array<std::uint32_t>({0x1572,
                                                     0x1580,
                                                     0x1581,
                                                     0x1583,
                                                     0x1584,
                                                     0x1585,
                                                     0x1586,
                                                     0x1587,
                                                     0x1588,
                                                     0x1589,
                                                     0x158a,
                                                     0x158b,
                                                     0x37d0,
                                                     0x37d1,
                                                     0x37d2});
constexpr auto kIavf = std::to_array<std::uint32_t>({0x154c, 0x1571, 0x1889, 0x37cd});
constexpr auto kIce = std::to_array<std::uint32_t>({0x1591,
                                                    0x1592,
                                                    0x1593,
                                                    0x1599,
                                                    0x159a,
                                                    0x159b,
                                                    0x188a,
                                                    0x188b,
                                                    0x188c,
                                                    0x188d,
                                                    0x188e,
                                                    0x12d1,
                                                    0x12d2,
                                                    0x12d3});

/// The first row that fits decides; a device that is in none has data on all its vectors.
/// Sources are files of Linux, drivers/, with the function that hands the vectors out.
constexpr std::array kLayouts{
    // nvme/host/pci.c nvme_setup_irqs(): vector 0 is the admin queue's.
    Layout{kWholeClass, 0x010802, 0, {}, Quiet::first},
    // virtio/virtio_pci_common.c vp_request_msix_vectors(): vector 0 tells configuration changes.
    Layout{0, 0, 0x1af4, {}, Quiet::first},
    // net/ethernet/intel/e1000e/netdev.c e1000_request_msix(): rx, tx, other (82574).
    Layout{0, 0, 0x8086, kE1000e, Quiet::last},
    // net/ethernet/intel/igbvf/netdev.c igbvf_request_msix(): tx, rx, mailbox.
    Layout{0, 0, 0x8086, kIgbvf, Quiet::last},
    // net/ethernet/intel/igb/igb_main.c igb_request_msix(): other first.
    Layout{0, 0, 0x8086, kIgb, Quiet::first},
    // net/ethernet/intel/ixgbe/ixgbe_main.c ixgbe_request_msix_irqs(), and ixgbevf likewise:
    // queues, then other.
    Layout{0, 0, 0x8086, kIxgbe, Quiet::last},
    // net/ethernet/intel/i40e/i40e_main.c i40e_vsi_request_irq_msix(): vector 0 is misc.
    Layout{0, 0, 0x8086, kI40e, Quiet::first},
    // net/ethernet/intel/iavf/iavf_main.c iavf_request_misc_irq(): vector 0.
    Layout{0, 0, 0x8086, kIavf, Quiet::first},
    // net/ethernet/intel/ice/ice_main.c ice_req_irq_msix_misc(): vector 0.
    Layout{0, 0, 0x8086, kIce, Quiet::first},
    // crypto/intel/qat/qat_common/adf_isr.c adf_request_irqs(): banks, then the engines' errors.
    Layout{kSubclass, 0x0b4000, 0x8086, {}, Quiet::last},
    // net/ethernet/mellanox/mlx5/core/pci_irq.c: vector 0 (MLX5_IRQ_EQ_CTRL) is for control.
    Layout{kBaseClass, 0x020000, 0x15b3, {}, Quiet::first},
    // net/ethernet/amazon/ena/ena_netdev.h: ENA_MGMNT_IRQ_IDX is 0.
    Layout{kBaseClass, 0x020000, 0x1d0f, {}, Quiet::first},
    // sound/hda: the audio function of a graphics card speaks a few times a second.
    Layout{kSubclass, 0x040300, 0, {}, Quiet::every},
    // net/ethernet/broadcom/bnxt/bnxt.c: events come on the first ring, as data does. usb/host/
    // xhci-pci.c: one vector does all. gpu: likewise. No row: all primary.
};

bool fits(const Layout& layout, const PciDevice& device) {
  const bool of_class =
      layout.class_mask == 0 || (device.class_code.value_or(0) & layout.class_mask) ==
                                    (layout.class_code & layout.class_mask);
  const bool of_vendor = layout.vendor == 0 || device.vendor == layout.vendor;
  const bool listed = layout.devices.empty() ||
                      (device.device && std::ranges::count(layout.devices, *device.device) > 0);
  return of_class && of_vendor && listed;
}

Quiet quiet_of(const PciDevice& device) {
  const auto* const layout =
      std::ranges::find_if(kLayouts, [&](const Layout& row) { return fits(row, device); });
  return layout != kLayouts.end() ? layout->quiet : Quiet::none;
}

/// Host drivers name what each interrupt is for.
bool is_quiet_name(std::string_view name) {
  constexpr std::array kQuietNames{"*-config",
                                   "nvme*q0",
                                   "*:misc",
                                   "*-misc",
                                   "*async*",
                                   "*-mgmnt*",
                                   "*mbx*",
                                   "*mailbox*",
                                   "*-other",
                                   "*-hotplug*",
                                   "*PME*",
                                   "*aerdrv*",
                                   "*pciehp*",
                                   "*bwctrl*"};
  return std::ranges::any_of(kQuietNames,
                             [&](std::string_view glob) { return matches_glob(glob, name); });
}

Role role_by_layout(const Index& index, const Irq& irq) {
  const auto quiet = [](bool is) { return is ? Role::auxiliary : Role::primary; };
  if (!irq.vector) {
    return quiet(!irq.actions.empty() && std::ranges::all_of(irq.actions, is_quiet_name));
  }
  const auto device = index.devices.find(irq.vector->device);
  const int last = index.last_index.at(irq.vector->device);
  if (device == index.devices.end()) {
    return Role::primary;
  }
  switch (quiet_of(*device->second)) {
    case Quiet::none:
      break;
    case Quiet::first:
      return quiet(last > 0 && irq.vector->index == 0);
    case Quiet::last:
      return quiet(last > 0 && irq.vector->index == last);
    case Quiet::every:
      return Role::auxiliary;
  }
  return Role::primary;
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
