// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/pci.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace irqtune {

namespace {

constexpr int kMinDomainDigits = 4;
constexpr std::size_t kMaxDomainDigits = 8;
constexpr std::uint8_t kMaxDevice = 31;
constexpr std::uint8_t kMaxFunction = 7;
constexpr std::uint16_t kMaxIndex = 2047;  // MSI-X tables have at most 2048 entries (PCI 3.0).

int hex_digits(std::uint32_t number) noexcept {
  constexpr int kBits = std::numeric_limits<std::uint32_t>::digits;
  return (kBits - std::countl_zero(number) + 3) / 4;
}

/// Addresses are printed by the thousand.
void add_hex(std::string& text, std::uint32_t number, int digits) {
  for (int shift = 4 * digits - 4; shift >= 0; shift -= 4) {
    text += "0123456789abcdef"[number >> shift & 0xfU];
  }
}

/// A field of exactly `digits` hexadecimal digits.
template <std::integral Number>
std::optional<Number> fixed_hex(std::string_view field, std::size_t digits) noexcept {
  return field.size() == digits ? parse_number<Number>(field, 16) : std::nullopt;
}

/// "0000:3b:00.0)" -> the address, if it ends in the bracket and nothing follows.
std::optional<PciAddress> bracketed_address(std::string_view text) noexcept {
  if (!text.starts_with('(') || !text.ends_with(')')) {
    return std::nullopt;
  }
  return PciAddress::parse(text.substr(1, text.size() - 2));
}

}  // namespace

std::optional<PciAddress> PciAddress::parse(std::string_view text) noexcept {
  PciAddress address;
  if (text.find(':') != text.rfind(':')) {
    const auto domain = take_until(text, ':');
    const auto number = parse_number<std::uint32_t>(domain, 16);
    if (!number || domain.size() < std::size_t{kMinDomainDigits} ||
        domain.size() > kMaxDomainDigits) {
      return std::nullopt;
    }
    address.domain = *number;
  }
  const auto bus = fixed_hex<std::uint8_t>(take_until(text, ':'), 2);
  const auto device = fixed_hex<std::uint8_t>(take_until(text, '.'), 2);
  const auto function = fixed_hex<std::uint8_t>(text, 1);
  if (!bus || !device || !function || *device > kMaxDevice || *function > kMaxFunction) {
    return std::nullopt;
  }
  address.bus = *bus;
  address.device = *device;
  address.function = *function;
  return address;
}

std::string PciAddress::to_string() const {
  std::string text;
  add_hex(text, domain, std::max(hex_digits(domain), kMinDomainDigits));
  text += ':';
  add_hex(text, bus, 2);
  text += ':';
  add_hex(text, device, 2);
  text += '.';
  add_hex(text, function, 1);
  return text;
}

std::string_view kind_text(VectorKind kind) noexcept {
  switch (kind) {
    case VectorKind::intx:
      return "intx";
    case VectorKind::msi:
      return "msi";
    case VectorKind::msix:
      return "msix";
  }
  return "";
}

std::optional<VectorKind> parse_kind(std::string_view text) noexcept {
  for (const auto kind : {VectorKind::intx, VectorKind::msi, VectorKind::msix}) {
    if (text == kind_text(kind)) {
      return kind;
    }
  }
  return std::nullopt;
}

std::string VectorId::to_string() const {
  return fmt::format("{}/{}/{}", device.to_string(), kind_text(kind), index);
}

std::optional<VectorId> parse_vfio_action(std::string_view action) noexcept {
  if (!action.starts_with("vfio-")) {
    return std::nullopt;
  }
  action.remove_prefix(5);
  const auto end = std::min(action.find_first_of("[("), action.size());
  const auto kind = parse_kind(action.substr(0, end));
  action.remove_prefix(end);
  if (!kind) {
    return std::nullopt;
  }
  std::optional<std::uint16_t> index = 0;
  if (*kind != VectorKind::intx) {
    if (!action.starts_with('[')) {
      return std::nullopt;
    }
    action.remove_prefix(1);
    index = parse_number<std::uint16_t>(take_until(action, ']'));
  }
  const auto address = bracketed_address(action);
  if (!index || *index > kMaxIndex || !address) {
    return std::nullopt;
  }
  return VectorId{*address, *kind, *index};
}

std::string vfio_action_text(const VectorId& vector) {
  if (vector.kind == VectorKind::intx) {
    return fmt::format("vfio-intx({})", vector.device.to_string());
  }
  return fmt::format(
      "vfio-{}[{}]({})", kind_text(vector.kind), vector.index, vector.device.to_string());
}

}  // namespace irqtune
