// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/diagnose/diagnose.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "diagnose/parts.h"

namespace irqtune {

namespace {

/// A line that an active console driver and an active VMkernel driver share.
struct Shared {
  const EsxLine* line = nullptr;
  const EsxOwner* console = nullptr;
  std::vector<std::string> vmkernel;             ///< "VMK vmnic0"
  const EsxConsoleLine* console_line = nullptr;  ///< nullptr if the console's table is not given.
  std::uint64_t total = 0;
  bool first_pcpu_only = false;  ///< The console runs on PCPU 0 only: the sign of sharing.
  Severity severity = Severity::info;
};

const EsxConsoleLine* find_console_line(const EsxInput& input, const EsxOwner& owner) {
  if (input.console == nullptr || !owner.irq) {
    return nullptr;
  }
  const auto& lines = input.console->lines;
  const auto found = std::ranges::find(lines, *owner.irq, &EsxConsoleLine::irq);
  return found == lines.end() ? nullptr : &*found;
}

/// Hot on one side is a warning; on both, the console takes part in each interrupt.
Severity severity_of(const Shared& shared, std::uint64_t low_count) {
  if (shared.total <= low_count) {
    return Severity::info;
  }
  const bool both = shared.console_line != nullptr && shared.console_line->count > low_count;
  return both ? Severity::critical : Severity::warning;
}

std::optional<Shared> shared_line(const EsxInput& input, const EsxLine& line) {
  Shared shared;
  shared.line = &line;
  for (const auto& owner : line.owners) {
    if (owner.handled && owner.console) {
      shared.console = &owner;
    } else if (owner.handled) {
      shared.vmkernel.push_back(owner.text);
    }
  }
  if (shared.console == nullptr || shared.vmkernel.empty()) {
    return std::nullopt;
  }
  shared.console_line = find_console_line(input, *shared.console);
  for (const auto count : line.counts) {
    const auto room = ~std::uint64_t{0} - shared.total;
    shared.total += std::min(count, room);
  }
  // With one PCPU that says nothing.
  shared.first_pcpu_only = line.counts.size() > 1 && line.counts.front() > 0 &&
                           std::all_of(line.counts.begin() + 1, line.counts.end(), [](auto count) {
                             return count == 0;
                           });
  shared.severity = severity_of(shared, input.low_count);
  return shared;
}

std::string drivers_text(const Shared& shared) {
  return shared.console_line == nullptr || shared.console_line->drivers.empty()
             ? std::string()
             : fmt::format(" ({} in the console)", fmt::join(shared.console_line->drivers, ", "));
}

std::string_view where_text(const Shared& shared) {
  if (shared.total == 0) {
    return "none yet";
  }
  if (shared.line->counts.size() == 1) {
    return "on the only PCPU";
  }
  const auto& counts = shared.line->counts;
  const auto busy = std::ranges::count_if(counts, [](auto count) { return count > 0; });
  return shared.first_pcpu_only ? "all on PCPU 0"
         : busy == 1            ? "all on one other PCPU"
                                : "on several PCPUs";
}

std::vector<std::string> evidence_of(const std::vector<Shared>& lines) {
  std::vector<std::string> evidence;
  for (const auto& shared : lines) {
    evidence.push_back(fmt::format("0x{:02x}: {}{} with {}: {}, {}",
                                   shared.line->vector,
                                   shared.console->text,
                                   drivers_text(shared),
                                   fmt::join(shared.vmkernel, ", "),
                                   counted(shared.total, "interrupt"),
                                   where_text(shared)));
    if (shared.console_line != nullptr) {
      evidence.push_back(fmt::format("the console's /proc/interrupts, {}: {}",
                                     shared.console_line->irq,
                                     counted(shared.console_line->count, "interrupt")));
    }
  }
  return evidence;
}

/// By whom else a USB controller may be needed.
constexpr auto kAskVendor =
    "before USB is switched off anywhere, ask the hardware's vendor whether its remote-access card "
    "(DRAC, iLO, RSA) works by USB: it would be cut off";

std::vector<std::string> driver_steps(const std::set<std::string>& drivers) {
  if (drivers.empty()) {
    return {"name the console's driver: --esx-console with a copy of its /proc/interrupts",
            "unload that driver in the service console: rmmod DRIVER; the line then stands in "
            "angle brackets",
            "keep it unloaded: comment its alias out in the console's /etc/modules.conf (again "
            "after an upgrade of ESX)"};
  }
  std::vector<std::string> steps;
  steps.reserve(drivers.size() + 1);
  for (const auto& driver : drivers) {
    steps.push_back(fmt::format("in the service console: rmmod {} (if nothing there needs it)",
                                shell_word(driver)));
  }
  steps.push_back(
      fmt::format("keep it unloaded: comment out the alias of {} in the console's "
                  "/etc/modules.conf (again after an upgrade of ESX)",
                  fmt::join(drivers, ", ")));
  return steps;
}

std::vector<std::string> remedy_of(const std::vector<Shared>& lines) {
  std::set<std::string> drivers;
  for (const auto& shared : lines) {
    if (shared.console_line != nullptr) {
      drivers.insert(shared.console_line->drivers.begin(), shared.console_line->drivers.end());
    }
  }
  std::vector<std::string> steps = {
      kAskVendor,
      "in the BIOS, which is preferred, since it outlives upgrades of ESX: switch off the "
      "controller that the console does not need (USB is the usual one), or set it to USB 1.1, or "
      "give it another IRQ (again after a BIOS upgrade)"};
  std::ranges::move(driver_steps(drivers), std::back_inserter(steps));
  steps.emplace_back(
      "what the console needs, its network card say, is moved and not disabled: that card or the "
      "VMkernel's to another slot, whose line nobody else has; then look at all controllers again, "
      "as others may share now: `irqtune diagnose --esx AFTER --against BEFORE`");
  steps.emplace_back(
      "where the hardware is known for it, ESXi instead of ESX: it has no service console");
  steps.emplace_back(
      "ESX 3.5 Update 5 only: esxcfg-advcfg --get /Irq/IRQNumHostPend, and note the value; then "
      "esxcfg-advcfg --set 1 /Irq/IRQNumHostPend, then 2 up to 10: keep the lowest value that "
      "helps "
      "(again after an upgrade). The console's real interrupts on that line wait as well");
  return steps;
}

std::string title_of(const std::vector<Shared>& lines) {
  std::vector<std::string> vectors;
  vectors.reserve(lines.size());
  for (const auto& shared : lines) {
    vectors.push_back(fmt::format("0x{:02x}", shared.line->vector));
  }
  constexpr auto kEnd = "shared by the service console and the VMkernel";
  const auto names = fmt::format("{}", fmt::join(vectors, ", "));
  if (lines.front().severity == Severity::info) {
    return fmt::format(
        "{} {} {}, with few interrupts", names, lines.size() == 1 ? "is" : "are", kEnd);
  }
  return fmt::format("{} {} {}, and busy{}",
                     names,
                     lines.size() == 1 ? "is" : "are",
                     kEnd,
                     lines.front().severity == Severity::critical ? " on both sides" : "");
}

/// One finding for the lines of one severity: they have one remedy.
Finding finding_of(const std::vector<Shared>& lines) {
  Finding finding;
  finding.id = "esx-irq-shared";
  finding.severity = lines.front().severity;
  finding.confidence = std::ranges::all_of(lines, &Shared::first_pcpu_only) ? Confidence::certain
                                                                            : Confidence::likely;
  finding.title = title_of(lines);
  const bool low = finding.severity == Severity::info;
  finding.cost =
      low ? "little, while the counts stay low; look again under load"
          : "each interrupt runs the console's handler too, by a switch into the console on PCPU 0";
  finding.evidence = evidence_of(lines);
  if (low) {
    finding.remedy = {"nothing now; if a line becomes busy, unload the console's driver (rmmod)"};
  } else {
    finding.remedy = remedy_of(lines);
    finding.cpus.insert(0);
  }
  for (const auto& shared : lines) {
    if (shared.console->irq && *shared.console->irq >= 0) {
      finding.irqs.push_back(IrqNumber{static_cast<std::uint32_t>(*shared.console->irq)});
    }
  }
  std::ranges::sort(finding.irqs);
  return finding;
}

std::vector<Shared> shared_lines(const EsxInput& input) {
  std::vector<Shared> all;
  for (const auto& line : input.table.lines) {
    if (auto shared = shared_line(input, line)) {
      all.push_back(std::move(*shared));
    }
  }
  return all;
}

/// A line that is the console's own, and busy, but for its timer: no device of the VMkernel
/// suffers, but PCPU 0 does.
std::optional<std::string> busy_console_line(const EsxInput& input, const EsxLine& line) {
  const bool own = std::ranges::all_of(
      line.owners, [](const EsxOwner& owner) { return owner.console || !owner.handled; });
  const auto owner = std::ranges::find_if(
      line.owners, [](const EsxOwner& one) { return one.console && one.handled && one.irq != 0; });
  std::uint64_t total = 0;
  for (const auto count : line.counts) {
    total += std::min(count, ~std::uint64_t{0} - total);
  }
  if (!own || owner == line.owners.end() || total <= input.low_count) {
    return std::nullopt;
  }
  const auto* const row = find_console_line(input, *owner);
  const auto drivers = row == nullptr || row->drivers.empty()
                           ? std::string()
                           : fmt::format(" ({} in the console)", fmt::join(row->drivers, ", "));
  return fmt::format(
      "0x{:02x}: {}{}: {}", line.vector, owner->text, drivers, counted(total, "interrupt"));
}

void add_console_lines(const EsxInput& input, std::vector<Finding>& findings) {
  Finding finding;
  finding.id = "esx-console-busy";
  finding.severity = Severity::info;
  for (const auto& line : input.table.lines) {
    if (auto text = busy_console_line(input, line)) {
      finding.evidence.push_back(std::move(*text));
    }
  }
  if (finding.evidence.empty()) {
    return;
  }
  finding.title = fmt::format("{} of the service console's own {} busy",
                              counted(finding.evidence.size(), "line"),
                              finding.evidence.size() == 1 ? "is" : "are");
  finding.cost =
      "each interrupt switches PCPU 0 into the console: it costs more than one of the VMkernel";
  finding.remedy = {
      "give the device to the VMkernel if it can have it, or switch off what the "
      "console does not need",
      kAskVendor};
  finding.cpus.insert(0);
  findings.push_back(std::move(finding));
}

}  // namespace

std::vector<Finding> diagnose_esx(const EsxInput& input) {
  const auto all = shared_lines(input);
  std::vector<Finding> findings;
  for (const auto severity : {Severity::critical, Severity::warning, Severity::info}) {
    std::vector<Shared> lines;
    std::ranges::copy_if(all, std::back_inserter(lines), [severity](const Shared& shared) {
      return shared.severity == severity;
    });
    if (!lines.empty()) {
      findings.push_back(finding_of(lines));
    }
  }
  add_console_lines(input, findings);
  return findings;
}

}  // namespace irqtune
