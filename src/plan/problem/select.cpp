// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/in_use.h"
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"

#include "plan/problem/problem.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace irqtune::planning {

namespace {

Item make_item(const Index& index, const Irq& irq) {
  Item item;
  item.irq = &irq;
  item.device = device_of(index, irq.device);
  item.vm = owner_of(index, irq.device);
  const auto place = index.places.find(item.vm);
  item.place = place != index.places.end() ? &place->second : nullptr;
  item.home = home_node(index, item.device, item.vm);
  item.role = role_of(index, irq);
  item.rate = rate_of(*index.host, irq);
  item.weight = item.rate.value_or(item.role == Role::primary ? 1 : 0);
  item.delivery = delivery_of(*index.host, irq);
  item.current = only_cpu(item.delivery);
  item.single = irq.affinity && irq.affinity->size() == 1 && irq.affinity->first() == item.current;
  return item;
}

/// A host driver that has the kernel spread and keep its queues, as far as kernels before 6.12,
/// which do not say so, let it be known: by driver or, where that does not tell, by the handlers'
/// names. Drivers that only ask for vectors (ice, ixgbe, mlx5_core, ahci) have no row.
struct Spreader {
  std::string_view driver;  ///< Glob; empty: known by name alone.
  std::string_view queues;  ///< Glob over handler names; empty: all of the driver's.
  std::string_view others;  ///< Glob over names of interrupts that are not spread; empty: none.
};

/// Each Source is a file of Linux 6.1, drivers/, and the function that asks for managed vectors
/// (PCI_IRQ_AFFINITY, struct irq_affinity).
constexpr std::array kSpreaders{
    // nvme/host/pci.c nvme_setup_irqs(); the admin queue is a pre-vector.
    Spreader{"", "nvme*q[1-9]*", ""},
    // block/virtio_blk.c init_vq(); the configuration's vector is not spread.
    Spreader{"", "virtio*-req.*", ""},
    // scsi/virtio_scsi.c virtscsi_init(); control and event queues are pre-vectors.
    Spreader{"", "virtio*-request*", ""},
    // scsi/megaraid/megaraid_sas_base.c __megasas_alloc_irq_vectors().
    Spreader{"megaraid_sas", "", ""},
    Spreader{"", "megasas*-msix*", ""},
    // scsi/mpt3sas/mpt3sas_base.c _base_alloc_irq_vectors().
    Spreader{"mpt3sas", "", ""},
    Spreader{"", "mpt[23]sas*-msix*", ""},
    // scsi/mpi3mr/mpi3mr_fw.c mpi3mr_setup_isr().
    Spreader{"mpi3mr", "", ""},
    Spreader{"", "mpi3mr*-msix*", ""},
    // scsi/smartpqi/smartpqi_init.c pqi_enable_msix_interrupts().
    Spreader{"smartpqi", "", ""},
    Spreader{"", "smartpqi", ""},
    // scsi/hisi_sas/hisi_sas_v3_hw.c interrupt_preinit_v3_hw(); 16 pre-vectors for the rest.
    Spreader{"hisi_sas*", "*cq*", ""},
    Spreader{"", "hisi_sas*cq*", ""},
    // scsi/qla2xxx/qla_isr.c qla24xx_enable_msix(); base and target queues are pre-vectors.
    Spreader{"qla2xxx", "", "qla2xxx*_*[deft]*"},
    // scsi/lpfc/lpfc_init.c lpfc_sli4_enable_msix().
    Spreader{"lpfc", "", ""},
    Spreader{"", "lpfc:*", ""},
    // scsi/aacraid/comminit.c aac_define_int_mode().
    Spreader{"aacraid", "", ""},
    // scsi/pm8001/pm8001_init.c pm8001_setup_msix().
    Spreader{"pm80xx", "", ""},
    Spreader{"pm8001", "", ""},
};

bool fits(const Spreader& row, std::string_view driver, std::string_view name) {
  const bool of_driver = row.driver.empty() || matches_glob(row.driver, driver);
  const bool queue = row.queues.empty() || matches_glob(row.queues, name);
  const bool other = !row.others.empty() && matches_glob(row.others, name);
  return of_driver && queue && !other;
}

bool is_managed_by_table(const Index& index, const Irq& irq) {
  const auto* device = device_of(index, irq.device);
  const std::string_view driver = device != nullptr ? std::string_view(device->driver) : "";
  return std::ranges::any_of(irq.actions, [&](std::string_view name) {
    return std::ranges::any_of(kSpreaders,
                               [&](const Spreader& row) { return fits(row, driver, name); });
  });
}

bool is_managed(const Index& index, const Irq& irq) {
  return irq.settable == false || (!irq.settable && is_managed_by_table(index, irq));
}

/// True of a host's interrupt that a scope may take in: in use, and of a device or known to be
/// settable.
bool is_reachable(const Irq& irq) {
  const bool known = irq.device || (irq.affinity && irq.settable == true);
  return known && !irq.actions.empty() && !is_per_cpu(irq);
}

/// Devices of guests on the line besides the one that the vector is named for: only INTx has any.
std::vector<PciAddress> other_guests(const Irq& irq) {
  std::vector<PciAddress> devices;
  for (const std::string_view action : irq.actions) {
    const auto vector = parse_vfio_action(trimmed(action));
    if (vector && vector->device != irq.vector->device) {
      devices.push_back(vector->device);
    }
  }
  return devices;
}

/// What suits all whose line it is: who leaves it, leaves it for all; else off everyone's vCPUs.
VmPolicy shared_policy(VmPolicy one, VmPolicy other) noexcept {
  const bool left = one == VmPolicy::leave || other == VmPolicy::leave;
  return left ? VmPolicy::leave : VmPolicy::avoid;
}

/// Takes a passed-through device's vector into the selection.
void select_vector(const Index& index, const Irq& irq, Selection& selection) {
  const auto& policy = *index.policy;
  auto item = make_item(index, irq);
  item.policy = policy_for(policy, irq.vector->device, item.vm);
  bool selected = selects(policy, irq.vector->device, item.vm);
  for (const auto& device : other_guests(irq)) {
    const auto* vm = owner_of(index, device);
    selected = selected || selects(policy, device, vm);
    const auto theirs = policy_for(policy, device, vm);
    item.policy =
        vm == item.vm && theirs == item.policy ? theirs : shared_policy(item.policy, theirs);
  }
  if (!selected) {
    return;
  }
  if (!is_in_use(irq)) {
    selection.not_in_use.push_back(*irq.vector);
    return;
  }
  const bool unsure = item.vm != nullptr && !item.vm->unsure_vcpus.empty();
  if (item.policy == VmPolicy::leave || unsure) {
    item.blocked = Blocked::left;
  } else if (irq.settable == false) {
    item.blocked = Blocked::managed;
  }
  selection.items.push_back(item);
}

/// True if the interrupt is on a protected CPU, or may be: a place that nothing tells is not fine.
bool is_in_the_way(const Index& index, const Irq& irq) {
  const auto delivery = delivery_of(*index.host, irq);
  return delivery.state == DeliveryState::unknown
             ? irq.affinity && irq.affinity->intersects(index.protected_cpus)
             : delivery.cpus.intersects(index.protected_cpus);
}

/// Takes an interrupt of the host's own devices into the selection, if the scope says so.
void select_host_irq(const Index& index, const Irq& irq, Selection& selection) {
  const auto& policy = *index.policy;
  if (!is_reachable(irq) || (policy.scope == Scope::evict && !is_in_the_way(index, irq)) ||
      !selects(policy, irq.device, nullptr)) {
    return;
  }
  const auto named = irq.device ? policy.device_policies.find(irq.device->to_string())
                                : policy.device_policies.end();
  if (is_managed(index, irq)) {
    ++selection.managed_left_out;
    return;
  }
  auto item = make_item(index, irq);
  if (named != policy.device_policies.end() && named->second == VmPolicy::leave) {
    item.blocked = Blocked::left;
  }
  selection.items.push_back(item);
}

}  // namespace

bool is_own_and_movable(const Index& index, const Irq& irq) {
  return !irq.vector && is_reachable(irq) && !is_managed(index, irq);
}

Selection select(const Index& index) {
  Selection selection;
  for (const auto& irq : index.host->irqs) {
    if (irq.vector) {
      select_vector(index, irq, selection);
    } else if (index.policy->scope != Scope::passthrough) {
      select_host_irq(index, irq, selection);
    }
  }
  return selection;
}

}  // namespace irqtune::planning
