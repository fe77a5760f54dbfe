// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "plan/problem/problem.h"

#include <algorithm>
#include <string_view>

namespace irqtune::planning {

namespace {

/// Where the interrupt is headed, if that is known at all.
CpuSet headed_cpus(const Irq& irq) {
  return headed_to(irq).value_or(CpuSet{});
}

Item make_item(const Index& index, const Irq& irq) {
  Item item;
  item.irq = &irq;
  item.device = device_of(index, irq.device);
  item.vm = owner_of(index, irq.device);
  const auto place = index.places.find(item.vm);
  item.place = place != index.places.end() ? &place->second : nullptr;
  item.home = home_node(index, item.device, item.vm);
  item.role = role_of(index, irq);
  if (index.host->rate_source != RateSource::none) {
    item.rate = total_rate(irq);
  }
  item.weight = item.rate.value_or(item.role == Role::primary ? 1 : 0);
  const auto headed = headed_cpus(irq);
  if (headed.size() == 1) {
    item.current = headed.first();
  }
  item.single = irq.affinity && irq.affinity->size() == 1 && irq.affinity->first() == item.current;
  return item;
}

/// A host driver's interrupt that the kernel places itself, as far as kernels before 6.12 let it
/// be known. Source: Linux drivers/nvme/host/pci.c nvme_setup_irqs(), drivers/block/virtio_blk.c
/// init_vq(): both ask for managed vectors, but for the admin queue and the configuration.
bool is_managed_by_name(const Irq& irq) {
  return std::ranges::any_of(irq.actions, [](std::string_view name) {
    const bool nvme_queue = matches_glob("nvme*q[1-9]*", name);
    return nvme_queue || matches_glob("virtio*-req.*", name);
  });
}

bool is_managed(const Irq& irq) {
  return irq.settable == false || (!irq.settable && is_managed_by_name(irq));
}

/// True of a host's interrupt that a scope may take in: in use, and of a device or known to be
/// settable.
bool is_reachable(const Irq& irq) {
  const bool known = irq.device || (irq.affinity && irq.settable == true);
  return known && !irq.actions.empty();
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
  if (item.policy == VmPolicy::leave) {
    item.blocked = Blocked::left;
  } else if (irq.settable == false) {
    item.blocked = Blocked::managed;
  }
  selection.items.push_back(item);
}

/// Takes an interrupt of the host's own devices into the selection, if the scope says so.
void select_host_irq(const Index& index, const Irq& irq, Selection& selection) {
  const auto& policy = *index.policy;
  const bool in_the_way = headed_cpus(irq).intersects(index.protected_cpus);
  if (!is_reachable(irq) || (policy.scope == Scope::evict && !in_the_way) ||
      !selects(policy, irq.device, nullptr)) {
    return;
  }
  const auto named = irq.device ? policy.device_policies.find(irq.device->to_string())
                                : policy.device_policies.end();
  if (is_managed(irq)) {
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

bool is_own_and_movable(const Irq& irq) {
  return !irq.vector && is_reachable(irq) && !is_managed(irq);
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
