// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "diagnose/lines.h"
#include "diagnose/parts.h"

namespace irqtune {

namespace {

constexpr double kMost = 0.8;         // Of all device interrupts
constexpr double kBusyRate = 2'000;   // Per second: below, one CPU does not feel it.
constexpr double kHotRate = 20'000;   // Per second
constexpr double kManyCounts = 1e6;   // Where there are no rates
constexpr double kWorthMoving = 0.1;  // One interrupt cannot be spread, nor a managed one moved.

struct Part {
  const Irq* irq = nullptr;
  double load = 0;
};

/// What may be moved off the CPU, largest first.
std::vector<Part> parts_of(const DiagnosisInput& input, const DeviceLoad& load, int cpu) {
  std::vector<Part> parts;
  for (const auto& irq : input.host.irqs) {
    const auto part = is_device_interrupt(irq) ? load.on_cpu(irq, cpu) : 0;
    if (part > 0) {
      parts.push_back({&irq, part});
    }
  }
  std::ranges::stable_sort(parts, std::greater<>(), &Part::load);
  return parts;
}

/// What could go elsewhere while the largest stays.
double movable(const std::vector<Part>& parts) {
  double sum = 0;
  for (const auto& part : parts) {
    const bool stays = &part == &parts.front() || part.irq->settable == false;
    sum += stays ? 0 : part.load;
  }
  return sum;
}

/// The others that could take some: a CPU that is kept for vCPUs idles by design.
CpuSet others_of(const DiagnosisInput& input, int cpu) {
  auto others = input.plan.housekeeping;
  others.erase(cpu);
  return others;
}

std::string amount_text(const DeviceLoad& load, double amount) {
  return load.has_rates() ? rate_text(amount) + "/s" : fmt::format("{:.0f} interrupts", amount);
}

std::vector<std::string> evidence_of(const std::vector<Part>& parts,
                                     const DeviceLoad& load,
                                     const CpuSet& others) {
  constexpr std::size_t kShown = 4;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min(parts.size(), kShown); ++i) {
    lines.push_back(fmt::format("/proc/interrupts, {}: {}: {}",
                                number_text(parts[i].irq->number),
                                fmt::join(parts[i].irq->actions, ", "),
                                amount_text(load, parts[i].load)));
  }
  if (parts.size() > kShown) {
    lines.push_back(fmt::format("and {} more", parts.size() - kShown));
  }
  lines.push_back(fmt::format("housekeeping CPUs that take little: {}", others.to_list()));
  return lines;
}

}  // namespace

std::vector<Finding> find_one_cpu(const Sight& sight) {
  const auto& [input, load] = sight;
  const auto busiest =
      std::ranges::max_element(load.by_cpu(), {}, [](const auto& entry) { return entry.second; });
  if (busiest == load.by_cpu().end()) {
    return {};
  }
  const auto [cpu, amount] = *busiest;
  const auto others = others_of(input, cpu);
  const auto parts = parts_of(input, load, cpu);
  const bool much = amount >= (load.has_rates() ? kBusyRate : kManyCounts);
  if (!much || others.empty() || load.share(amount) < kMost ||
      movable(parts) < kWorthMoving * amount) {
    return {};
  }
  Finding finding;
  finding.id = "irq-one-cpu";
  const bool hot =
      load.has_rates() && (amount >= kHotRate || protected_by_vcpu(input.protections, cpu));
  finding.severity = hot ? Severity::warning : Severity::info;
  finding.confidence =
      input.host.rate_source == RateSource::sampled ? Confidence::certain : Confidence::likely;
  finding.title =
      fmt::format("CPU {} takes {:.0f} % of all device interrupts ({}); {} could share the work",
                  cpu,
                  100 * load.share(amount),
                  amount_text(load, amount),
                  others.size() == 1 ? "one other" : fmt::format("{} others", others.size()));
  finding.cost = "that CPU is the limit of all those devices, and what else runs there waits";
  finding.evidence = evidence_of(parts, load, others);
  finding.remedy = {
      "see what would move:", "irqtune plan --scope all", "move it:", "irqtune apply --scope all"};
  finding.cpus.insert(cpu);
  for (const auto& part : parts) {
    finding.irqs.push_back(part.irq->number);
  }
  std::ranges::sort(finding.irqs);
  return {finding};
}

}  // namespace irqtune
