// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"

#include "plan/problem/problem.h"

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

constexpr auto kIgc = std::to_array<std::uint32_t>({0x0d9f,
                                                    0x125b,
                                                    0x125c,
                                                    0x125d,
                                                    0x125e,
                                                    0x125f,
                                                    0x15f2,
                                                    0x15f3,
                                                    0x15f7,
                                                    0x15f8,
                                                    0x15fd,
                                                    0x3100,
                                                    0x3101,
                                                    0x3102,
                                                    0x5502,
                                                    0x5503});
constexpr auto kIdpf = std::to_array<std::uint32_t>({0x1452, 0x145c});

/// The first row that fits decides; a device that is in none has data on all its vectors.
/// Each Source is a file of Linux 6.x, drivers/, and the function that hands the vectors out.
constexpr std::array kLayouts{
    // Vector 0 is the admin queue's. Source: nvme/host/pci.c nvme_setup_irqs(), pre_vectors.
    Layout{kWholeClass, 0x010802, 0, {}, Quiet::first},
    // Vector 0 tells configuration changes. Source: virtio/virtio_pci_common.c
    // vp_request_msix_vectors(), name "*-config".
    Layout{0, 0, 0x1af4, {}, Quiet::first},
    // rx, tx, other (82574). Source: net/ethernet/intel/e1000e/netdev.c e1000_request_msix().
    Layout{0, 0, 0x8086, kE1000e, Quiet::last},
    // tx, rx, mailbox. Source: net/ethernet/intel/igbvf/netdev.c igbvf_request_msix().
    Layout{0, 0, 0x8086, kIgbvf, Quiet::last},
    // Other first. Source: net/ethernet/intel/igb/igb_main.c igb_request_msix().
    Layout{0, 0, 0x8086, kIgb, Quiet::first},
    // Other first. Source: net/ethernet/intel/igc/igc_main.c igc_request_msix().
    Layout{0, 0, 0x8086, kIgc, Quiet::first},
    // Queues, then other (VF: mailbox). Source: net/ethernet/intel/ixgbe/ixgbe_main.c
    // ixgbe_request_msix_irqs(), ixgbevf/ixgbevf_main.c ixgbevf_request_msix_irqs().
    Layout{0, 0, 0x8086, kIxgbe, Quiet::last},
    // Vector 0 is misc. Source: net/ethernet/intel/i40e/i40e_main.c i40e_setup_misc_vector().
    Layout{0, 0, 0x8086, kI40e, Quiet::first},
    // Vector 0 is the mailbox. Source: net/ethernet/intel/iavf/iavf_main.c iavf_request_misc_irq().
    Layout{0, 0, 0x8086, kIavf, Quiet::first},
    // The first allocated is misc. Source: net/ethernet/intel/ice/ice_main.c
    // ice_req_irq_msix_misc().
    Layout{0, 0, 0x8086, kIce, Quiet::first},
    // Vector 0 is the mailbox. Source: net/ethernet/intel/idpf/idpf_lib.c idpf_mb_intr_req_irq().
    Layout{0, 0, 0x8086, kIdpf, Quiet::first},
    // Banks, then the engines' errors. Source: crypto/intel/qat/qat_common/adf_isr.c
    // adf_request_irqs(), clust_irq = num_banks.
    Layout{kSubclass, 0x0b4000, 0x8086, {}, Quiet::last},
    // Vector 0 is for control: commands, pages, events. (Of some guests, about 5.17 to 6.3, it is
    // the last; rates tell.) Source: net/ethernet/mellanox/mlx5/core/pci_irq.c
    // mlx5_ctrl_irq_request(); mlx4/mlx4.h MLX4_EQ_ASYNC.
    Layout{kBaseClass, 0x020000, 0x15b3, {}, Quiet::first},
    // Vector 0 is for management. Source: net/ethernet/amazon/ena/ena_netdev.c
    // ena_setup_mgmnt_intr(), ENA_MGMNT_IRQ_IDX.
    Layout{kBaseClass, 0x020000, 0x1d0f, {}, Quiet::first},
    // Queues, then management. Source: net/ethernet/google/gve/gve_main.c mgmt_msix_idx.
    Layout{kBaseClass, 0x020000, 0x1ae0, {}, Quiet::last},
    // The audio function of a graphics card speaks a few times a second, at the end of a period.
    // Source: ../sound/pci/hda/hda_intel.c azx_acquire_irq(): one interrupt.
    Layout{kSubclass, 0x040300, 0, {}, Quiet::every},
    // No row, all primary: bnxt, whose events come on a ring's vector as data does (Source:
    // net/ethernet/broadcom/bnxt/bnxt.c bnxt_request_irq()); xHCI (usb/host/xhci-pci.c
    // xhci_try_enable_msi(): one vector in use) and graphics, which have one for all.
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

// Interrupts per second, but for the share of the device's busiest vector.
constexpr double kTelling = 10;
constexpr double kQuiet = 1;
constexpr double kQuietShare = 0.01;
constexpr double kClear = 2;  // So many times away from a threshold, a rate is clearly beyond it.

bool is_near(double rate, double threshold) {
  return rate * kClear >= threshold && rate < threshold * kClear;
}

int standing_on(const Index& index, int cpu) {
  const auto found = index.standing.find(cpu);
  return found != index.standing.end() ? found->second : 0;
}

/// True if a first thread of the CPU's node has no vector: a primary would have gone there.
bool has_open_core(const Index& index, int cpu) {
  const auto firsts = index.firsts.cpus();
  return std::ranges::any_of(firsts, [&](int first) {
    return standing_on(index, first) == 0 && node_of(index, first) == node_of(index, cpu);
  });
}

/// True if another CPU of the node has several: were this one's vector no primary, one would come.
bool has_crowded_core(const Index& index, int cpu) {
  return std::ranges::any_of(index.standing, [&](const auto& other) {
    return other.second > 1 && node_of(index, other.first) == node_of(index, cpu);
  });
}

/// What the place says of a vector whose rate is too near to a threshold to tell: it keeps the role
/// for which it was put there, so that a rate that swings about the threshold moves nothing. A
/// place that fits both roles tells nothing either.
Role role_by_place(const Index& index, const Irq& irq, Role by_rate) {
  const auto at = place_of(index, irq);
  if (!at) {
    return by_rate;
  }
  if (index.siblings.contains(*at)) {
    return has_open_core(index, *at) ? Role::auxiliary : by_rate;
  }
  const bool covers = standing_on(index, *at) == 1 && has_crowded_core(index, *at);
  return covers || index.firsts.contains(*at) ? Role::primary : by_rate;
}

}  // namespace

Role role_of(const Index& index, const Irq& irq) {
  const auto found = irq.device ? index.busiest.find(*irq.device) : index.busiest.end();
  const bool blind = irq.posted == Posted::posted;  // The host does not see these at all.
  const double busiest = found != index.busiest.end() ? found->second : 0;
  if (blind || !is_measured(*index.host, irq) || busiest * kClear < kTelling) {
    return role_by_layout(index, irq);
  }
  const double rate = total_rate(irq);
  const double threshold = std::max(kQuiet, kQuietShare * busiest);
  const auto by_rate = rate < threshold ? Role::auxiliary : Role::primary;
  const auto role = busiest < kTelling ? role_by_layout(index, irq) : by_rate;
  return is_near(busiest, kTelling) || is_near(rate, threshold) ? role_by_place(index, irq, role)
                                                                : role;
}

}  // namespace irqtune::planning
