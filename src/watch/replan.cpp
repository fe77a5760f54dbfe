// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/plan/planner.h"
#include "irqtune/watch/decide.h"

#include <algorithm>
#include <set>
#include <utility>

namespace irqtune {

namespace {

/// With this a vector moves only for where it is, never for a little balance.
constexpr double kFewestMoves = 100;

Holder holder_of(const Host& host, const PciAddress& device) {
  const auto* vm = find_owner(host, device);
  if (vm != nullptr) {
    return {vm->name, vm->pid, {}};
  }
  const auto has = [&](const VfioUser& user) {
    return std::ranges::find(user.devices, device) != user.devices.end();
  };
  const auto user = std::ranges::find_if(host.vfio_users, has);
  return user != host.vfio_users.end() ? Holder{{}, user->pid, {}} : Holder{};
}

/// Does the vector still belong where its key was kept?
bool is_still_right(const Place& place, const Assignment& now, const Plan& plan, const Host& host) {
  const bool same_vm = !place.holder || place.holder->vm == now.vm;
  const bool same_policy =
      !place.holder ||
      place.policy ==
          policy_for(plan.policy, now.vector->device, find_owner(host, now.vector->device));
  return same_vm && same_policy && !now.blocked && host.topology.online.contains_all(place.cpus) &&
         !place.cpus.intersects(plan.protected_cpus) &&
         (plan.housekeeping | plan.pool).contains_all(place.cpus);
}

/// The host with each vector that is to return to its place there already.
Host with_returned(Host host,
                   const Plan& plan,
                   const Places& places,
                   std::set<IrqNumber>& returned) {
  for (const auto& assignment : plan.assignments) {
    const auto place = assignment.vector ? places.find(*assignment.vector) : places.end();
    if (place == places.end() || assignment.from == place->second.cpus ||
        !is_still_right(place->second, assignment, plan, host)) {
      continue;
    }
    const auto irq = std::ranges::find(host.irqs, assignment.irq, &Irq::number);
    irq->affinity = place->second.cpus;
    irq->effective = place->second.cpus;
    returned.insert(assignment.irq);
  }
  return host;
}

/// What the planner took for done is to be written.
void return_to_places(Plan& plan, const Host& host, const std::set<IrqNumber>& returned) {
  for (auto& assignment : plan.assignments) {
    if (!returned.contains(assignment.irq)) {
      continue;
    }
    const auto* irq = find_irq(host, assignment.irq);
    const auto there = assignment.from.value_or(CpuSet{});
    assignment.from = irq->affinity;
    assignment.from_effective = irq->effective;
    assignment.delivery = delivery_of(host, *irq);
    if (!assignment.change) {
      assignment.to = there;
      assignment.change = true;
      assignment.reason = "the place it had before it was made anew or moved";
    }
  }
}

Places places_of(const Plan& plan, const Host& host) {
  Places places;
  for (const auto& assignment : plan.assignments) {
    const auto* irq = find_irq(host, assignment.irq);
    if (!assignment.vector || assignment.blocked || irq == nullptr) {
      continue;
    }
    const auto cpus = assignment.change ? assignment.to : irq->affinity.value_or(CpuSet{});
    if (cpus.empty()) {
      continue;
    }
    const auto& device = assignment.vector->device;
    places[*assignment.vector] = {cpus,
                                  holder_of(host, device),
                                  policy_for(plan.policy, device, find_owner(host, device)),
                                  assignment.irq,
                                  irq->generation};
  }
  return places;
}

/// Vectors come and go with their guests; their places stay as long as the device is passed
/// through.
void keep_absent(const Places& before, const Plan& plan, const Host& host, Places& places) {
  std::set<VectorId> planned;
  for (const auto& assignment : plan.assignments) {
    if (assignment.vector) {
      planned.insert(*assignment.vector);
    }
  }
  for (const auto& [vector, place] : before) {
    const auto* device = find_device(host, vector.device);
    if (!planned.contains(vector) && device != nullptr && device->passthrough) {
      auto absent = place;
      absent.there = false;
      places.emplace(vector, std::move(absent));
    }
  }
}

}  // namespace

Replanned replan(const Host& host, const Policy& policy, const Places& places, bool afresh) {
  auto careful = policy;
  careful.min_gain = afresh ? policy.min_gain : std::max(policy.min_gain, kFewestMoves);
  careful.rebalance = afresh && policy.rebalance;
  Replanned result{make_plan(host, careful), {}, {}};
  std::set<IrqNumber> returned;
  const auto as_before = with_returned(host, result.plan, places, returned);
  if (!returned.empty()) {
    result.plan = make_plan(as_before, careful);
    return_to_places(result.plan, host, returned);
  }
  result.places = places_of(result.plan, host);
  keep_absent(places, result.plan, host, result.places);
  result.writes = writes_for(result.plan);
  return result;
}

}  // namespace irqtune
