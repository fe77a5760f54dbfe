// SPDX-License-Identifier: Apache-2.0
#include "plan/model.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>

namespace irqtune::planning {

namespace {

/// What interrupts outside the plan put on each CPU, by CPU number.
struct Carried {
  std::map<int, double> load;
  std::map<int, std::size_t> vectors;
};

/// True if the planner may move it: then it is no part of what a CPU carries anyhow.
bool is_planned(const Item& item) {
  return !item.blocked;
}

void add_load(const Index& index, const Irq& irq, Carried& carried) {
  if (index.host->rate_source != RateSource::none) {
    for (const auto& rate : irq.rates) {
      carried.load[rate.cpu] += rate.rate;
    }
    return;
  }
  const auto& headed = headed_to(irq);
  if (irq.vector && headed && headed->size() == 1 && role_of(index, irq) == Role::primary) {
    carried.load[*headed->first()] += 1;
  }
}

Carried carried_by(const Index& index, const std::vector<Item>& items) {
  std::set<IrqNumber> planned;
  for (const auto& item : items) {
    if (is_planned(item)) {
      planned.insert(item.irq->number);
    }
  }
  Carried carried;
  for (const auto& irq : index.host->irqs) {
    if (planned.contains(irq.number)) {
      continue;
    }
    add_load(index, irq, carried);
    const auto& at = headed_to(irq);
    // Without a handler the effective CPU is only where the kernel would start it.
    if (!irq.actions.empty() && at && at->size() == 1) {
      ++carried.vectors[*at->first()];
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
  return sites;
}

}  // namespace irqtune::planning
