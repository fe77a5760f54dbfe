// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/cpu_set.h"
#include "irqtune/core/host.h"
#include "irqtune/core/pci.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

enum class Severity : std::uint8_t { info, warning, critical };

/// How sure a finding is: read off the kernel / what the evidence points to / one of several
/// explanations.
enum class Confidence : std::uint8_t { certain, likely, possible };

[[nodiscard]] std::string_view severity_text(Severity severity) noexcept;
[[nodiscard]] std::string_view confidence_text(Confidence confidence) noexcept;

/// Something that hurts on a host, and what to do about it.
struct Finding {
  std::string id;  ///< Stable: "irq-shared-passthrough". docs/diagnose.md has a section for each.
  Severity severity = Severity::info;
  Confidence confidence = Confidence::certain;
  std::string title;                  ///< One line, with numbers and names of this host.
  std::string cost;                   ///< What it costs, one line; empty where the title says it.
  std::vector<std::string> evidence;  ///< A line each: file, counts, rates.
  std::vector<std::string> remedy;    ///< A command, a line to add, or a sentence; in order.
  std::vector<IrqNumber> irqs;        ///< By number.
  CpuSet cpus;
  std::vector<PciAddress> devices;  ///< By address.
  std::vector<std::string> vms;     ///< By name.
};

}  // namespace irqtune
