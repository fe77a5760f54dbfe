// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/devices/devices.h"
#include "read/interrupts/irqs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace irqtune {

namespace {

bool is_guests(const Irq& irq) {
  return irq.vector && irq.vector->kind == VectorKind::intx;
}

/// A message is one device's own, whatever handlers its driver has.
bool is_shared_line(const Irq& irq) {
  return irq.actions.size() > 1 && irq.chip.find("MSI") == std::string::npos;
}

std::string directory_of(const PciAddress& address) {
  return fmt::format("/sys/bus/pci/devices/{}", address.to_string());
}

/// The line that a host driver serves the device by; empty optional if by MSI, or not at all.
std::optional<std::uint32_t> line_of(const Sysfs& sysfs, const PciDevice& device) {
  if (device.passthrough || device.driver.empty()) {
    return std::nullopt;
  }
  const auto directory = directory_of(device.address);
  const auto number =
      parse_number<std::uint32_t>(trimmed(sysfs.read(directory + "/irq").value_or("")));
  const bool own = number && *number != 0 && sysfs.list(directory + "/msi_irqs").empty();
  return own ? number : std::nullopt;
}

LineDevice make_line_device(const Sysfs& sysfs, const PciDevice& device) {
  const auto link = fmt::format("/sys/bus/pci/drivers/{}/module", device.driver);
  return {device.address, device.driver, sysfs.link_name(link).value_or("")};
}

/// "count 12\nunhandled 3\n..." -> 3
std::optional<std::uint64_t> unhandled_of(std::string_view text) {
  const auto fields = words(text);
  const auto label = std::ranges::find(fields, "unhandled");
  return fields.end() - label > 1 ? parse_number<std::uint64_t>(*(label + 1)) : std::nullopt;
}

std::optional<VectorKind> read_best_kind(const Sysfs& sysfs, const PciAddress& address) {
  const auto file = sysfs.read_file(directory_of(address) + "/config");
  return parse_config(file.text.value_or(""));
}

}  // namespace

std::optional<VectorKind> parse_config(std::string_view bytes) noexcept {
  constexpr std::size_t kStatus = 0x06;
  constexpr unsigned kHasList = 0x10;
  constexpr std::size_t kPointer = 0x34;
  constexpr unsigned kMsi = 0x05;
  constexpr unsigned kMsix = 0x11;
  constexpr int kMost = 48;  // More do not fit: a list that goes on runs in a circle.
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  if (bytes.size() <= kPointer || bytes.starts_with("\xff\xff")) {
    return std::nullopt;
  }
  auto best = VectorKind::intx;
  std::size_t at = (byte(kStatus) & kHasList) != 0 ? byte(kPointer) & 0xfcU : 0;
  for (int i = 0; at != 0 && i < kMost; ++i) {
    if (at + 1 >= bytes.size()) {
      return std::nullopt;
    }
    if (byte(at) == kMsix) {
      return VectorKind::msix;
    }
    best = byte(at) == kMsi ? VectorKind::msi : best;
    at = byte(at + 1) & 0xfcU;
  }
  return best;
}

void read_lines(const Sysfs& sysfs, Host& host) {
  std::map<std::uint32_t, Line> lines;
  std::set<PciAddress> guests;
  for (const auto& irq : host.irqs) {
    if (is_guests(irq)) {
      guests.insert(irq.vector->device);
    }
    if (is_shared_line(irq) || is_guests(irq)) {
      lines[static_cast<std::uint32_t>(irq.number)];
    }
  }
  if (lines.empty()) {
    return;
  }
  for (const auto& device : host.devices) {
    const auto number = line_of(sysfs, device);
    if (number && lines.contains(*number)) {
      lines[*number].devices.push_back(make_line_device(sysfs, device));
    }
  }
  for (auto& irq : host.irqs) {
    const auto line = lines.find(static_cast<std::uint32_t>(irq.number));
    if (line != lines.end()) {
      const auto path = fmt::format("/proc/irq/{}/spurious", line->first);
      line->second.unhandled = unhandled_of(sysfs.read(path).value_or(""));
      irq.line = std::move(line->second);
    }
  }
  for (auto& device : host.devices) {
    if (guests.contains(device.address)) {
      device.best_kind = read_best_kind(sysfs, device.address);
    }
  }
}

}  // namespace irqtune
