// SPDX-License-Identifier: Apache-2.0
#include "plan/model.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>

namespace irqtune::planning {

namespace {

/// What interrupts that have their place put on each CPU, by CPU number.
struct Carried {
  std::map<int, double> load;
  std::map<int, std::size_t> vectors;
  CpuSet covered;  ///< Those with a primary, where the scope is one that places the host's own.
};

/// The one CPU where an interrupt stands; empty optional if there are several.
std::optional<int> standing_on(const Irq& irq) {
  const auto& at = headed_to(irq);
  return at && at->size() == 1 ? at->first() : std::nullopt;
}

/// True if the interrupt is one of those that the scope would place, had it been in the way. Once
/// evicted it counts for what it counted for when it was planned, or the next plan would differ.
bool counts_as_placed(const Index& index, const Irq& irq) {
  return index.policy->scope == Scope::evict && is_own_and_movable(irq);
}

void add_load(const Index& index, const Irq& irq, std::optional<int> at, Carried& carried) {
  const bool measured = index.host->rate_source != RateSource::none;
  if (measured && !at) {
    for (const auto& rate : irq.rates) {
      carried.load[rate.cpu] += rate.rate;
    }
  } else if (measured) {
    // All of it: rates since boot tell where the interrupt has been, not where it is.
    carried.load[*at] += total_rate(irq);
  } else if (at && (irq.vector || counts_as_placed(index, irq))) {
    carried.load[*at] += role_of(index, irq) == Role::primary ? 1 : 0;
  }
}

void add(const Index& index, const Irq& irq, std::optional<int> at, Carried& carried) {
  add_load(index, irq, at, carried);
  // Without a handler the effective CPU is only where the kernel would start it.
  if (at && !irq.actions.empty()) {
    ++carried.vectors[*at];
  }
  if (at && counts_as_placed(index, irq) && role_of(index, irq) == Role::primary) {
    carried.covered.insert(*at);
  }
}

Carried carried_by(const Index& index, const std::vector<Item>& items) {
  Carried carried;
  for (const auto& irq : index.host->irqs) {
    const auto item = std::ranges::lower_bound(
        items, irq.number, {}, [](const Item& other) { return other.irq->number; });
    const bool listed = item != items.end() && item->irq == &irq;
    const bool to_place = listed && !item->blocked && !item->target;
    if (!to_place) {
      add(index, irq, listed && item->target ? item->target : standing_on(irq), carried);
    }
  }
  return carried;
}

bool is_busy(const Cpu& cpu, double threshold_percent) {
  return cpu.irq_busy && *cpu.irq_busy * 100 > threshold_percent;
}

/// Marks the lowest thread of each core; `sites` are by CPU number.
void mark_first_threads(std::vector<Site>& sites) {
  std::set<int> seen;
  for (auto& site : sites) {
    site.first = seen.insert(site.core).second;
  }
}

}  // namespace

std::optional<std::size_t> vector_budget(const Index& index) {
  constexpr std::size_t kX86Vectors = 200;  // Of 0x20..0xea, less the legacy ones.
  if (index.policy->max_vectors_per_cpu) {
    return static_cast<std::size_t>(std::max(0, *index.policy->max_vectors_per_cpu));
  }
  const bool x86 = std::ranges::any_of(index.host->irqs, [](const Irq& irq) {
    const std::string_view chip = irq.chip;
    return chip.starts_with("PCI-MSI") || chip.starts_with("IR-PCI-MSI") ||
           chip.find("IO-APIC") != std::string_view::npos;
  });
  return x86 ? std::optional(kX86Vectors) : std::nullopt;
}

std::vector<Site> make_sites(const Index& index, const std::vector<Item>& items) {
  const auto carried = carried_by(index, items);
  const auto budget = vector_budget(index).value_or(std::numeric_limits<std::size_t>::max());
  const auto value_at = [](const auto& map, int cpu) {
    const auto found = map.find(cpu);
    return found != map.end() ? found->second : typename std::decay_t<decltype(map)>::mapped_type{};
  };
  std::vector<Site> sites;
  for (const auto& cpu : index.host->topology.cpus) {
    if (!index.housekeeping.contains(cpu.number)) {
      continue;
    }
    Site site;
    site.cpu = cpu.number;
    site.node = cpu.node;
    site.llc = cpu.llc;
    // Cores have indices from 0; a CPU of an unknown core is a core by itself.
    site.core = cpu.core.value_or(-1 - cpu.siblings.first().value_or(cpu.number));
    site.base = value_at(carried.load, cpu.number);
    site.taken = value_at(carried.vectors, cpu.number);
    site.slots = budget > site.taken ? budget - site.taken : 0;
    site.busy = is_busy(cpu, index.policy->busy_threshold);
    sites.push_back(site);
  }
  mark_first_threads(sites);
  for (auto& site : sites) {
    site.covered = site.first && carried.covered.contains(site.cpu);
  }
  return sites;
}

}  // namespace irqtune::planning
