// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace irqtune {

/// Address of a PCI function, "0000:3b:00.0" in text. VMD and Hyper-V domains have more than four
/// hexadecimal digits ("10000:e1:00.0"). Source: Linux drivers/pci, pci_name(),
/// "%04x:%02x:%02x.%d".
struct PciAddress {
  std::uint32_t domain = 0;
  std::uint8_t bus = 0;
  std::uint8_t device = 0;    ///< 0..31
  std::uint8_t function = 0;  ///< 0..7

  /// "dddd:bb:dd.f" with 4 to 8 domain digits, or "bb:dd.f" in domain 0. Empty optional otherwise.
  static std::optional<PciAddress> parse(std::string_view text) noexcept;

  /// As sysfs names it: at least four domain digits.
  [[nodiscard]] std::string to_string() const;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 mistakes the defaulted operator
  friend auto operator<=>(const PciAddress&, const PciAddress&) = default;
};

enum class VectorKind : std::uint8_t { intx, msi, msix };

/// "intx", "msi" or "msix".
[[nodiscard]] std::string_view kind_text(VectorKind kind) noexcept;
[[nodiscard]] std::optional<VectorKind> parse_kind(std::string_view text) noexcept;

/// Which interrupt of which device: the identity that survives renumbering.
struct VectorId {
  PciAddress device;
  VectorKind kind = VectorKind::msix;
  std::uint16_t index = 0;  ///< Table index, 0..2047; 0 for INTx.

  /// "0000:3b:00.0/msix/3", as `explain` and messages name it.
  [[nodiscard]] std::string to_string() const;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 mistakes the defaulted operator
  friend auto operator<=>(const VectorId&, const VectorId&) = default;
};

/// The vector that a handler name stands for: "vfio-msix[3](0000:3b:00.0)", "vfio-msi[0](...)",
/// "vfio-intx(...)". Empty optional for any other name (platform and CDX devices too).
/// Source: Linux drivers/vfio/pci/vfio_pci_intrs.c, 6.1 to 7.3.
[[nodiscard]] std::optional<VectorId> parse_vfio_action(std::string_view action) noexcept;

/// The handler name of a vector, as vfio-pci gives it.
[[nodiscard]] std::string vfio_action_text(const VectorId& vector);

}  // namespace irqtune
