// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/delivery.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "diagnose/lines.h"
#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

constexpr double kStorm = 10'000;  // Interrupts a second; firmware events come a few a minute.

/// An interrupt of the board itself: no PCI device is behind it, and no guest.
bool is_platform(const Irq& irq) {
  const bool pci = irq.device || irq.vector || (irq.line && !irq.line->devices.empty());
  return !pci && is_device_interrupt(irq) && handlers_of(irq).guests.empty() &&
         irq.settable != std::optional(false);
}

bool is_acpi(const Irq& irq) {
  return std::ranges::any_of(irq.actions,
                             [](const auto& action) { return trimmed(action) == "acpi"; });
}

}  // namespace

void find_storms(const DiagnosisInput& input, std::vector<Finding>& findings) {
  for (const auto& irq : input.host.irqs) {
    const auto rate = total_rate(irq);
    if (rate < kStorm || !is_platform(irq)) {
      continue;
    }
    const auto name = printable(trimmed(irq.actions.front()));
    auto finding = make_finding("irq-storm",
                                Severity::warning,
                                fmt::format("a platform interrupt storms: IRQ {} ({}){}",
                                            static_cast<unsigned>(irq.number),
                                            name,
                                            rate_note(input.host, rate)));
    finding.cost = "its CPU does little else, and whatever made it storm is not served";
    finding.evidence = {fmt::format("/proc/interrupts, {}: {}, {}",
                                    number_text(irq.number),
                                    name,
                                    activity_text(irq, input.host))};
    if (is_acpi(irq)) {
      finding.remedy = {
          "see which event it is, the one whose count grows:",
          "grep -v ' 0 ' /sys/firmware/acpi/interrupts/*",
          "until the next reboot, switch that one off (gpeXX): echo mask > "
          "/sys/firmware/acpi/interrupts/gpeXX",
          "for good: the firmware's update, or acpi_mask_gpe=0xXX on the kernel command line"};
    } else {
      finding.remedy = {fmt::format(
          "find what drives the line: the kernel's log names {}; its driver or the firmware has "
          "to acknowledge it. Moving it to another CPU only moves the load",
          name)};
    }
    finding.cpus = delivery_of(input.host, irq).cpus;
    finding.irqs = {irq.number};
    findings.push_back(std::move(finding));
  }
}

}  // namespace irqtune::diagnosis
