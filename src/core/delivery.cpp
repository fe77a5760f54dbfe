// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/delivery.h"

#include "irqtune/core/text.h"

#include <algorithm>
#include <array>

namespace irqtune {

namespace {

/// False if the first or the last character tells: that is so of nearly all names.
bool may_match(std::string_view pattern, std::string_view text) noexcept {
  const char first = pattern.front();
  const char last = pattern.back();
  return !text.empty() && (first == '*' || first == text.front()) &&
         (last == '*' || last == ']' || last == text.back());
}

/// Timers and interrupts that CPUs send each other. Xen and POWER number these as well: "timer0",
/// "resched3", "IPI-2".
bool is_cpus_own_name(std::string_view handler) noexcept {
  constexpr std::array<std::string_view, 15> kPatterns = {"timer",
                                                          "timer[0-9]*",
                                                          "*arch_timer*",
                                                          "*-timer",
                                                          "arm-pmu",
                                                          "*_pmu",
                                                          "*-pmu",
                                                          "vgic",
                                                          "kvm guest *timer",
                                                          "IPI",
                                                          "IPI[- ]*",
                                                          "resched[0-9]*",
                                                          "callfunc*[0-9]",
                                                          "irqwork[0-9]*",
                                                          "spinlock[0-9]*"};
  return std::ranges::any_of(kPatterns, [&](auto pattern) {
    return may_match(pattern, handler) && matches_glob(pattern, handler);
  });
}

bool is_gic_private(const Irq& irq) noexcept {
  constexpr std::uint64_t kFirstShared = 32;
  return irq.chip.starts_with("GIC") && irq.hwirq && *irq.hwirq < kFirstShared;
}

/// The CPUs that counted the interrupt while the host was sampled.
CpuSet counted_on(const Host& host, const Irq& irq) {
  CpuSet cpus;
  if (host.rate_source == RateSource::sampled) {
    for (const auto& rate : irq.rates) {
      cpus.insert(rate.cpu);
    }
  }
  return cpus;
}

/// Where it is, whatever was asked for.
CpuSet seen_on(const Host& host, const Irq& irq) {
  if (irq.effective && irq.effective->size() == 1) {
    return *irq.effective;
  }
  auto counted = counted_on(host, irq);
  if (!counted.empty()) {
    return counted;
  }
  return irq.affinity && irq.affinity->size() == 1 ? *irq.affinity : CpuSet{};
}

bool is_known(const std::optional<CpuSet>& cpus) noexcept {
  return cpus && !cpus->empty();
}

DeliveryState state_of(const Host& host, const Irq& irq, const CpuSet& seen) {
  if (seen.empty()) {
    return DeliveryState::unknown;
  }
  if (!is_known(irq.affinity) || seen.intersects(*irq.affinity)) {
    return DeliveryState::settled;
  }
  if (irq.written_to_tree) {
    return DeliveryState::pending;
  }
  const bool counts_there = irq.counted_since_write || counted_on(host, irq).intersects(seen);
  return moves_at_next_interrupt(irq.chip) && !counts_there ? DeliveryState::pending
                                                            : DeliveryState::fallback;
}

}  // namespace

std::string_view delivery_text(DeliveryState state) noexcept {
  switch (state) {
    case DeliveryState::settled:
      return "settled";
    case DeliveryState::pending:
      return "pending";
    case DeliveryState::fallback:
      return "fallback";
    case DeliveryState::unknown:
      return "unknown";
    case DeliveryState::unused:
      return "unused";
    case DeliveryState::per_cpu:
      return "per_cpu";
  }
  return "";
}

std::string_view standing_text(Standing standing) noexcept {
  switch (standing) {
    case Standing::clear:
      return "clear";
    case Standing::collision:
      return "collision";
    case Standing::posted:
      return "posted";
    case Standing::unknown:
      return "unknown";
  }
  return "";
}

bool moves_at_next_interrupt(std::string_view chip) noexcept {
  constexpr std::array<std::string_view, 6> kChips = {
      "PCI-MSI", "IO-APIC", "Hyper-V", "DMAR-MSI", "IOMMU-MSI", "HPET-MSI"};
  return std::ranges::any_of(kChips, [&](auto name) { return chip.starts_with(name); });
}

bool is_per_cpu(const Irq& irq) noexcept {
  if (irq.device || irq.vector) {
    return false;
  }
  if (is_gic_private(irq) || irq.chip == "RISC-V INTC" || irq.chip == "xen-percpu") {
    return true;
  }
  if (irq.actions.empty()) {
    return false;
  }
  const bool shows_none = irq.effective && irq.effective->empty();
  return shows_none || std::ranges::all_of(irq.actions, [](const std::string& action) {
           return is_cpus_own_name(trimmed(action));
         });
}

Delivery delivery_of(const Host& host, const Irq& irq) {
  if (is_per_cpu(irq)) {
    return {DeliveryState::per_cpu, {}};
  }
  auto seen = seen_on(host, irq);
  auto state = state_of(host, irq, seen);
  if (state == DeliveryState::pending) {
    seen = *irq.affinity;
  }
  return {irq.actions.empty() ? DeliveryState::unused : state, std::move(seen)};
}

std::optional<int> allocated_on(const Irq& irq) {
  const auto& at = is_known(irq.effective) ? irq.effective : irq.affinity;
  return at && at->size() == 1 && !irq.actions.empty() ? at->first() : std::nullopt;
}

std::optional<int> only_cpu(const Delivery& delivery) {
  return delivery.cpus.size() == 1 ? delivery.cpus.first() : std::nullopt;
}

Standing standing_of(std::optional<Posted> posted,
                     const Delivery& delivery,
                     const ProtectionMap& protections) {
  if (posted == Posted::posted) {
    return Standing::posted;
  }
  if (delivery.state == DeliveryState::unused || delivery.state == DeliveryState::per_cpu) {
    return Standing::clear;
  }
  if (delivery.state == DeliveryState::unknown) {
    return Standing::unknown;
  }
  const auto cpus = delivery.cpus.cpus();
  return std::ranges::any_of(cpus, [&](int cpu) { return protected_by_vcpu(protections, cpu); })
             ? Standing::collision
             : Standing::clear;
}

Standing standing_of(const Host& host, const Irq& irq, const ProtectionMap& protections) {
  return standing_of(irq.posted, delivery_of(host, irq), protections);
}

void Tally::add(Standing standing) noexcept {
  collisions += standing == Standing::collision ? 1U : 0U;
  unknown += standing == Standing::unknown ? 1U : 0U;
}

void Tally::add(const Tally& other) noexcept {
  collisions += other.collisions;
  unknown += other.unknown;
}

Tally tally_of(const Host& host, const ProtectionMap& protections) {
  Tally tally;
  for (const auto& irq : host.irqs) {
    if (irq.vector) {
      tally.add(standing_of(host, irq, protections));
    }
  }
  return tally;
}

Tally tally_of(const Host& host, const PciAddress& device, const ProtectionMap& protections) {
  Tally tally;
  for (const auto& irq : host.irqs) {
    if (irq.vector && irq.vector->device == device) {
      tally.add(standing_of(host, irq, protections));
    }
  }
  return tally;
}

}  // namespace irqtune
