// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/load.h"

#include "plan/problem/problem.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace irqtune::planning {

namespace {

/// What interrupts that have their place put on each CPU, by CPU number.
struct Carried {
  RatesByCpu load;
  CpuSet covered;  ///< Those with a primary, where the scope is one that places the host's own.
};

/// True if the interrupt is one of those that the scope would place, had it been in the way. Once
/// evicted it counts for what it counted for when it was planned, or the next plan would differ.
bool counts_as_placed(const Index& index, const Irq& irq) {
  return index.policy->scope == Scope::evict && is_own_and_movable(index, irq);
}

void add_load(const Index& index, const Irq& irq, std::optional<int> at, Carried& carried) {
  const bool measured = index.host->rate_source != RateSource::none;
  if (measured) {
    add_rates(*index.host, irq, at, carried.load);
  } else if (at && (irq.vector || counts_as_placed(index, irq))) {
    carried.load[*at] += role_of(index, irq) == Role::primary ? 1 : 0;
  }
}

void add(const Index& index, const Irq& irq, std::optional<int> at, Carried& carried) {
  add_load(index, irq, at, carried);
  if (at && counts_as_placed(index, irq) && role_of(index, irq) == Role::primary) {
    carried.covered.insert(*at);
  }
}

Carried carried_by(const Index& index, const std::vector<Item>& items) {
  Carried carried;
  for (const auto& irq : index.host->irqs) {
    const auto* item = find_item(items, irq);
    if (item == nullptr || !is_to_place(*item)) {
      add(index,
          irq,
          item != nullptr && item->target ? item->target : only_cpu(delivery_of(*index.host, irq)),
          carried);
    }
  }
  return carried;
}

bool is_busy(const Cpu& cpu, double threshold_percent) {
  return cpu.irq_busy && *cpu.irq_busy * 100 > threshold_percent;
}

/// Marks the lowest thread of each core, of those of a pool by themselves; `sites` are by CPU
/// number.
void mark_first_threads(std::vector<Site>& sites) {
  std::set<std::pair<int, bool>> seen;
  for (auto& site : sites) {
    site.first = seen.insert({site.core, site.pool}).second;
  }
}

}  // namespace

std::vector<Site> make_sites(const Index& index, const std::vector<Item>& items) {
  auto carried = carried_by(index, items);
  auto room = room_on_cpus(index, items);
  std::vector<Site> sites;
  for (const auto& cpu : index.host->topology.cpus) {
    const bool pool = index.pool.contains(cpu.number);
    if (!pool && !index.housekeeping.contains(cpu.number)) {
      continue;
    }
    Site site;
    site.pool = pool;
    site.low_power = cpu.kind == CpuKind::low_power;
    site.cpu = cpu.number;
    site.node = cpu.node;
    site.llc = cpu.llc;
    // Cores have indices from 0; a CPU of an unknown core is a core by itself.
    site.core = cpu.core.value_or(-1 - cpu.siblings.first().value_or(cpu.number));
    site.per_weight = load_of(cpu, 1);
    site.base = load_of(cpu, carried.load[cpu.number]);
    site.taken = room.taken[cpu.number];
    site.slots = room.slots[cpu.number];
    site.covered = carried.covered.contains(cpu.number);
    site.busy = is_busy(cpu, index.policy->busy_threshold);
    sites.push_back(site);
  }
  mark_first_threads(sites);
  return sites;
}

}  // namespace irqtune::planning
