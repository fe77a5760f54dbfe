// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/handler_threads.h"

#include "irqtune/core/delivery.h"
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"

#include <algorithm>
#include <iterator>

namespace irqtune {

std::optional<IrqNumber> irq_of_thread(std::string_view name) noexcept {
  constexpr std::string_view kPrefix = "irq/";
  if (!name.starts_with(kPrefix) || name.find('-') == std::string_view::npos) {
    return std::nullopt;
  }
  name.remove_prefix(kPrefix.size());
  const auto number = parse_number<std::uint32_t>(take_until(name, '-'));
  return number ? std::optional(IrqNumber{*number}) : std::nullopt;
}

std::vector<OwnThread> handler_threads(const Host& host, const Irq& irq) {
  const auto* const owner = irq.vector ? find_owner(host, irq.vector->device) : nullptr;
  if (owner == nullptr || !is_running(*owner)) {
    return {};
  }
  std::vector<OwnThread> threads;
  std::ranges::copy_if(owner->threads, std::back_inserter(threads), [&](const OwnThread& thread) {
    return irq_of_thread(thread.name) == irq.number;
  });
  return threads;
}

CpuSet threads_astray_on(const Host& host, const Irq& irq, const ProtectionMap& protections) {
  CpuSet reach;
  for (const auto& thread : handler_threads(host, irq)) {
    reach |= thread.cpus.value_or(CpuSet{});
  }
  const bool comes = rate_of(host, irq).value_or(1) > 0;
  if (reach.empty() || !comes || irq.written_to_tree) {
    return {};
  }
  CpuSet astray;
  for (const int cpu : ((reach & host.topology.online) - delivery_of(host, irq).cpus).cpus()) {
    if (protected_by_vcpu(protections, cpu)) {
      astray.insert(cpu);
    }
  }
  return astray;
}

}  // namespace irqtune
