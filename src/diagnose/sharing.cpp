// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

#include "diagnose/lines.h"
#include "diagnose/parts.h"

namespace irqtune {

namespace {

using Texts = std::vector<std::string>;

constexpr auto kNoUnsharing =
    "affinity does not unshare: moving the line moves all its handlers to the same CPU";

void append(Texts& texts, Texts more) {
  std::ranges::move(more, std::back_inserter(texts));
}

std::string row_text(const Irq& irq, const Sight& sight) {
  return fmt::format("/proc/interrupts, {}: {}: {}",
                     number_text(irq.number),
                     fmt::join(irq.actions, ", "),
                     activity_text(irq, sight.input.host));
}

/// The row, who else is on the line, who serves it.
Texts evidence_of(const Irq& irq, const Sight& sight) {
  Texts lines = {row_text(irq, sight)};
  append(lines, serving_text(irq, sight));
  for (const auto& device : irq.line ? irq.line->devices : std::vector<LineDevice>()) {
    lines.push_back(fmt::format(
        "on this line for the host: {} ({})", device.address.to_string(), device.driver));
  }
  return lines;
}

/// First of the remedies: no line, nothing to share.
std::string message_step(const Host& host, const std::vector<VectorId>& guests) {
  Texts names;
  for (const auto& guest : guests) {
    names.push_back(owner_text(host, guest.device));
  }
  return fmt::format(
      "in the guest: let the driver of {} use MSI or MSI-X (newer driver; no pci=nomsi; Windows: "
      "MSISupported=1); lspci -vv then shows Enable+",
      fmt::join(names, ", "));
}

/// How to take the host's drivers off the line, by name and address where they are known.
Texts unbind_steps(const Irq& irq, const Handlers& handlers) {
  Texts steps;
  std::set<std::string> modules;
  for (const auto& device : irq.line ? irq.line->devices : std::vector<LineDevice>()) {
    const auto driver = shell_word(device.driver);
    steps.push_back(fmt::format(
        "if the host does without {} ({}):", printable(device.driver), device.address.to_string()));
    steps.push_back(
        fmt::format("echo none > /sys/bus/pci/devices/{1}/driver_override; echo {1} > "
                    "/sys/bus/pci/drivers/{0}/unbind",
                    driver,
                    device.address.to_string()));
    modules.insert(device.module);
  }
  modules.erase("");  // Built into the kernel, or not in the snapshot.
  for (const auto& module : modules) {
    steps.push_back(fmt::format(
        "and for good, if no other device needs {}, with a new initramfs (update-initramfs -u, or "
        "dracut -f):",
        printable(module)));
    steps.push_back(
        fmt::format("echo blacklist {} >> /etc/modprobe.d/irqtune.conf", shell_word(module)));
  }
  if (steps.empty()) {
    steps.push_back(
        fmt::format("if the host does without {}, unbind it or blacklist its module; "
                    "its device:",
                    fmt::join(handlers.host, ", ")));
    steps.push_back(fmt::format("grep -lx {} /sys/bus/pci/devices/*/irq", number_text(irq.number)));
  }
  return steps;
}

constexpr auto kSlotStep = "put the card into another slot, whose line nobody else has";
constexpr auto kFirmwareStep =
    "in the firmware: disable the device that is not needed, or route the slot to another line";

Finding shared_with_host(const Irq& irq, const Handlers& handlers, const Sight& sight) {
  Finding finding;
  finding.id = "irq-shared-passthrough";
  finding.severity = Severity::critical;
  finding.title = fmt::format("IRQ {} is shared by the passthrough device {} and the host's {}",
                              number_text(irq.number),
                              owner_text(sight.input.host, handlers.guests.front().device),
                              fmt::join(handlers.host, ", "));
  finding.cost =
      "each interrupt runs both handlers, and the line waits for the guest; where vfio must have "
      "it alone, the VM fails to start (EBUSY)";
  finding.evidence = evidence_of(irq, sight);
  finding.remedy.push_back(message_step(sight.input.host, handlers.guests));
  append(finding.remedy, unbind_steps(irq, handlers));
  append(finding.remedy, {kSlotStep, kFirmwareStep});
  finding.remedy.emplace_back(
      "vfio-pci nointxmask=1 only for a device that masks INTx wrongly: vfio then wants the line "
      "alone, and the VM does not start while a host driver has it");
  finding.remedy.emplace_back(kNoUnsharing);
  name_line(irq, sight.input, finding);
  return finding;
}

Finding shared_by_guests(const Irq& irq, const Handlers& handlers, const Sight& sight) {
  Finding finding;
  finding.id = "irq-shared-guests";
  Texts names;
  for (const auto& guest : handlers.guests) {
    names.push_back(owner_text(sight.input.host, guest.device));
  }
  name_line(irq, sight.input, finding);
  finding.severity = finding.vms.size() == 1 ? Severity::info : Severity::warning;
  finding.title = fmt::format("IRQ {} is shared by passthrough devices: {}",
                              number_text(irq.number),
                              fmt::join(names, ", "));
  finding.cost = "each interrupt runs every handler: a busy guest costs the others time";
  finding.evidence = evidence_of(irq, sight);
  finding.remedy = {
      message_step(sight.input.host, handlers.guests), kSlotStep, kFirmwareStep, kNoUnsharing};
  return finding;
}

/// How much a line of host drivers hurts; empty optional: not at all.
std::optional<Severity> host_severity(const Irq& irq, const Sight& sight) {
  constexpr double kMuch = 10;
  constexpr double kMostShare = 0.5;
  constexpr double kManyCounts = 1e6;
  const auto part = sight.load.of(irq);
  if (!sight.load.has_rates()) {  // Counts alone do not tell since when.
    return part >= kManyCounts && sight.load.share(part) >= kMostShare
               ? std::optional(Severity::info)
               : std::nullopt;
  }
  if (part < sight.input.shared_rate) {
    return std::nullopt;
  }
  return part >= kMuch * sight.input.shared_rate ? Severity::warning : Severity::info;
}

Finding shared_by_host(const Irq& irq, const Handlers& handlers, const Sight& sight) {
  Finding finding;
  finding.id = "irq-shared-host";
  finding.severity = host_severity(irq, sight).value_or(Severity::info);
  finding.confidence = sight.input.host.rate_source == RateSource::sampled ? Confidence::certain
                       : sight.input.host.rate_source == RateSource::none  ? Confidence::possible
                                                                           : Confidence::likely;
  finding.title = fmt::format("IRQ {} is busy, and {} drivers of the host share it: {}",
                              number_text(irq.number),
                              handlers.host.size(),
                              fmt::join(handlers.host, ", "));
  finding.cost = "each interrupt runs every handler, all on one CPU";
  finding.evidence = evidence_of(irq, sight);
  finding.remedy.emplace_back(
      "let the busy device's driver use MSI or MSI-X (no pci=nomsi; newer driver or firmware)");
  append(finding.remedy, unbind_steps(irq, handlers));
  append(finding.remedy, {kSlotStep, kNoUnsharing});
  name_line(irq, sight.input, finding);
  return finding;
}

/// Interrupts that nobody took. The kernel gives a line up when 99,900 of 100,000 were so.
/// Source: Linux kernel/irq/spurious.c, note_interrupt().
std::optional<Finding> spurious(const Irq& irq, const Sight& sight) {
  constexpr std::uint64_t kFew = 100;
  constexpr std::uint64_t kMany = 10'000;
  const auto unhandled = irq.line ? irq.line->unhandled.value_or(0) : 0;
  if (unhandled < kFew) {
    return std::nullopt;
  }
  Finding finding;
  finding.id = "irq-spurious";
  finding.severity = unhandled >= kMany ? Severity::warning : Severity::info;
  finding.title = fmt::format(
      "IRQ {}: no handler took {} of its latest interrupts", number_text(irq.number), unhandled);
  finding.cost =
      "time for nothing; at 99900 of 100000 the kernel disables the line (\"nobody cared\") and "
      "all its devices with it";
  finding.evidence = {
      fmt::format("/proc/irq/{}/spurious: unhandled {}", number_text(irq.number), unhandled)};
  append(finding.evidence, evidence_of(irq, sight));
  finding.remedy = {
      "see which device it is:",
      fmt::format("dmesg | grep 'irq {}'", number_text(irq.number)),
      "load the driver of each device on this line, or disable the device in the firmware"};
  if (const auto handlers = handlers_of(irq); !handlers.guests.empty() && handlers.host.empty()) {
    finding.remedy.emplace_back(
        "if it is a device that masks INTx wrongly: options vfio-pci nointxmask=1 in "
        "/etc/modprobe.d/vfio.conf");
  }
  name_line(irq, sight.input, finding);
  return finding;
}

std::optional<Finding> shared(const Irq& irq, const Sight& sight) {
  if (irq.actions.size() < 2) {
    return std::nullopt;
  }
  const auto handlers = handlers_of(irq);
  if (!handlers.guests.empty() && !handlers.host.empty()) {
    return shared_with_host(irq, handlers, sight);
  }
  if (handlers.guests.size() > 1) {
    return shared_by_guests(irq, handlers, sight);
  }
  return handlers.host.size() > 1 && host_severity(irq, sight)
             ? std::optional(shared_by_host(irq, handlers, sight))
             : std::nullopt;
}

/// Lines of several host drivers of which nobody can tell how busy they are, most counts first.
std::vector<const Irq*> lines_without_rates(const Sight& sight) {
  std::vector<const Irq*> lines;
  for (const auto& irq : sight.input.host.irqs) {
    const auto handlers = handlers_of(irq);
    if (!sight.load.has_rates() && handlers.guests.empty() && handlers.host.size() > 1 &&
        !host_severity(irq, sight)) {
      lines.push_back(&irq);
    }
  }
  std::ranges::stable_sort(
      lines, std::greater<>(), [](const Irq* irq) { return total_count(*irq); });
  return lines;
}

/// One note for all of them: each alone would be noise.
std::optional<Finding> shared_without_rates(const Sight& sight) {
  constexpr std::size_t kShown = 10;
  const auto lines = lines_without_rates(sight);
  if (lines.empty()) {
    return std::nullopt;
  }
  Finding finding;
  finding.id = "irq-shared-host";
  finding.severity = Severity::info;
  finding.confidence = Confidence::possible;
  finding.title =
      fmt::format("{} shared by drivers of the host; without rates nobody knows how busy",
                  lines.size() == 1 ? fmt::format("IRQ {} is", number_text(lines[0]->number))
                                    : fmt::format("{} lines are", lines.size()));
  finding.cost =
      "each interrupt runs every handler, all on one CPU; that matters on a busy line only, and "
      "where a device of the line is to be passed through by INTx";
  for (const auto* irq : lines) {
    if (finding.evidence.size() < kShown) {
      append(finding.evidence, {row_text(*irq, sight)});
    }
    name_line(*irq, sight.input, finding);
  }
  if (lines.size() > kShown) {
    finding.evidence.push_back(fmt::format("and {} more", lines.size() - kShown));
  }
  std::ranges::sort(finding.irqs);
  finding.remedy = {
      "take two readings: `irqtune diagnose --sample 10` on the host, or a snapshot with --sample",
      kNoUnsharing};
  return finding;
}

void add(std::optional<Finding> finding, std::vector<Finding>& findings) {
  if (finding) {
    findings.push_back(std::move(*finding));
  }
}

}  // namespace

std::vector<Finding> find_sharing(const DiagnosisInput& input) {
  const Sight sight(input);
  std::vector<Finding> findings;
  for (const auto& irq : input.host.irqs) {
    add(shared(irq, sight), findings);
    add(spurious(irq, sight), findings);
  }
  add(shared_without_rates(sight), findings);
  std::ranges::move(find_intx(sight), std::back_inserter(findings));
  std::ranges::move(find_one_cpu(sight), std::back_inserter(findings));
  return findings;
}

}  // namespace irqtune
