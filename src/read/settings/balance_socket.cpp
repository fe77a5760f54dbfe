// SPDX-License-Identifier: Apache-2.0
#include "read/settings/balance_socket.h"

#include "irqtune/core/text.h"
#include "irqtune/sys/local_socket.h"

#include <fmt/format.h>

namespace irqtune {

std::optional<std::set<IrqNumber>> parse_balance_stats(std::string_view answer) {
  const auto fields = words(answer);
  if (fields.empty() || (fields.front() != "TYPE" && fields.front() != "IRQ")) {
    return std::nullopt;
  }
  std::set<IrqNumber> irqs;
  for (std::size_t i = 0; i + 1 < fields.size(); ++i) {
    const auto number =
        fields[i] == "IRQ" ? parse_number<std::uint32_t>(fields[i + 1]) : std::nullopt;
    if (number) {
      irqs.insert(IrqNumber{*number});
    }
  }
  return irqs;
}

std::optional<std::set<IrqNumber>> ask_irqbalance(const std::string& directory, int pid) {
  const auto names = {fmt::format("{}/irqbalance{}.sock", directory, pid),
                      fmt::format("@irqbalance{}.sock", pid)};
  for (const auto& name : names) {
    const auto answer = ask_socket(name, "stats", pid);
    if (auto irqs = answer ? parse_balance_stats(*answer) : std::nullopt) {
      return irqs;
    }
  }
  return std::nullopt;
}

std::set<IrqNumber> passed_through_irqs(const Sysfs& sysfs) {
  std::set<IrqNumber> irqs;
  const auto table = sysfs.read("/proc/interrupts").value_or("");
  for (auto line : split(table, '\n')) {
    const auto number = parse_number<std::uint32_t>(trimmed(take_until(line, ':')));
    if (number && line.find(" vfio-") != std::string_view::npos) {
      irqs.insert(IrqNumber{*number});
    }
  }
  return irqs;
}

}  // namespace irqtune
