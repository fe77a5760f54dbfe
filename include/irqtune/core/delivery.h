// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/cpu_set.h"
#include "irqtune/core/host.h"
#include "irqtune/core/protection.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace irqtune {

// The one definition of where an interrupt is delivered, and of what that means for vCPUs.

/// How an interrupt came to be where it is, or why that is not known.
enum class DeliveryState : std::uint8_t {
  settled,   ///< Within the mask that was asked for.
  pending,   ///< Asked for another place, and moves there at its next interrupt.
  fallback,  ///< Outside its mask: the kernel had no vector free on what it asked for.
  unknown,   ///< Nothing tells where it is.
  unused,    ///< No handler waits for it: it is delivered nowhere.
  per_cpu,   ///< Each CPU has its own of it: a timer, a message between CPUs.
};

/// "settled", "pending", ...
[[nodiscard]] std::string_view delivery_text(DeliveryState state) noexcept;

/// Where an interrupt is delivered.
struct Delivery {
  DeliveryState state = DeliveryState::unknown;

  /// The CPUs that take it from now on: where it is delivered, of a pending one where it is going
  /// to be, of an unused one where it would be. Several if several counted it. Empty: unknown, or
  /// every CPU has its own.
  CpuSet cpus;
};

/// Where the interrupt is delivered: its effective CPU; where that is absent, empty or several, the
/// CPUs that counted while the host was sampled; else the one CPU of its mask; else unknown. Of an
/// interrupt outside its mask that the kernel moves at the next one, and that did not count where
/// it is, and of a mask that was written to a tree, which is no kernel, the mask.
[[nodiscard]] Delivery delivery_of(const Host& host, const Irq& irq);

/// The one CPU that takes it from now on; empty optional if none or several are known.
[[nodiscard]] std::optional<int> only_cpu(const Delivery& delivery);

/// The CPU that has one of the kernel's vectors allocated for the interrupt, while a move is
/// pending too; empty optional if that is not known. Without a handler none is: the effective CPU
/// is only where the kernel would start it.
[[nodiscard]] std::optional<int> allocated_on(const Irq& irq);

/// True if each CPU has its own of the interrupt, so that it can be moved nowhere, disturbs nobody
/// that it does not belong to, and is no load of a host: timers, performance counters, messages
/// between CPUs. Known by an effective list that is there and empty, by the numbers 0 to 31 of
/// an arm64 interrupt controller, and by name.
/// Source: Linux kernel/irq/proc.c; Documentation/devicetree/bindings/interrupt-controller/
/// arm,gic-v3.yaml (SGIs and PPIs).
[[nodiscard]] bool is_per_cpu(const Irq& irq) noexcept;

/// True of chips that move a vector at its next interrupt only: those of x86 without interrupt
/// remapping, the IOMMU's own among them. Source: Linux kernel/irq/manage.c,
/// irq_can_move_pcntxt(), irq_try_set_affinity(); arch/x86/kernel/apic/msi.c;
/// drivers/iommu/amd/init.c.
[[nodiscard]] bool moves_at_next_interrupt(std::string_view chip) noexcept;

/// What an interrupt is to vCPUs.
enum class Standing : std::uint8_t {
  clear,      ///< It is delivered to no CPU that a vCPU protects, or nowhere.
  collision,  ///< It is delivered to a CPU that a vCPU protects.
  posted,     ///< The hardware delivers it to the vCPU by itself.
  unknown,    ///< It is not known where it is delivered: neither a collision nor fine.
};

/// "clear", "collision", "posted", "unknown"
[[nodiscard]] std::string_view standing_text(Standing standing) noexcept;

/// What an interrupt that is delivered so is to vCPUs.
[[nodiscard]] Standing standing_of(std::optional<Posted> posted,
                                   const Delivery& delivery,
                                   const ProtectionMap& protections);

/// What the interrupt is to vCPUs, as the host was read.
[[nodiscard]] Standing standing_of(const Host& host,
                                   const Irq& irq,
                                   const ProtectionMap& protections);

/// How many of some vectors collide, and of how many that is not known.
struct Tally {
  std::size_t collisions = 0;
  std::size_t unknown = 0;

  void add(Standing standing) noexcept;
  void add(const Tally& other) noexcept;
  friend bool operator==(const Tally&, const Tally&) = default;
};

/// Of all vectors of the host's passed-through devices.
[[nodiscard]] Tally tally_of(const Host& host, const ProtectionMap& protections);

/// Of the vectors of one passed-through device.
[[nodiscard]] Tally tally_of(const Host& host,
                             const PciAddress& device,
                             const ProtectionMap& protections);

}  // namespace irqtune
