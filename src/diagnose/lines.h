// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/load.h"
#include "irqtune/diagnose/diagnose.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

// What several families of findings say of an interrupt line.

/// The handlers on the interrupt's line, by what they are.
struct Handlers {
  std::vector<VectorId> guests;   ///< vfio-intx
  std::vector<std::string> host;  ///< Drivers of the host; without a PCIe port's own services.
};

[[nodiscard]] Handlers handlers_of(const Irq& irq);

/// Is it a device that interrupts, and not a timer or a CPU's own?
[[nodiscard]] bool is_device_interrupt(const Irq& irq) noexcept;

/// Interrupts of all devices, by the CPU that takes them now: rates where the host has them, else
/// counts since boot.
class DeviceLoad {
 public:
  explicit DeviceLoad(const Host& host);

  [[nodiscard]] bool has_rates() const noexcept { return has_rates_; }

  [[nodiscard]] const RatesByCpu& by_cpu() const noexcept { return by_cpu_; }

  [[nodiscard]] double total() const noexcept { return total_; }

  /// Of one interrupt on one CPU, in the same measure.
  [[nodiscard]] double on_cpu(const Irq& irq, int cpu) const;
  [[nodiscard]] double of(const Irq& irq) const noexcept;

  /// 0..1
  [[nodiscard]] double share(double part) const noexcept { return total_ > 0 ? part / total_ : 0; }

 private:
  /// What the interrupt adds to each CPU.
  void add(const Irq& irq, RatesByCpu& by_cpu) const;

  const Host& host_;
  bool has_rates_;
  RatesByCpu by_cpu_;
  double total_ = 0;
};

/// The input, with what is computed of it once.
struct Sight {
  explicit Sight(const DiagnosisInput& diagnosis) : input(diagnosis), load(diagnosis.host) {}

  const DiagnosisInput& input;
  DeviceLoad load;
};

/// The CPU that serves the line; empty optional if several might, or none has yet.
[[nodiscard]] std::optional<int> serving_cpu(const Host& host, const Irq& irq);

/// "12 interrupts", "83214 interrupts since boot (12.3/s)"
[[nodiscard]] std::string activity_text(const Irq& irq, const Host& host);

/// Evidence: "CPU 3 serves it: 40% of all device interrupts; vCPU 1 of db1 runs there".
[[nodiscard]] std::vector<std::string> serving_text(const Irq& irq, const Sight& sight);

/// "0000:3b:00.0 (VM db1)", "0000:3b:00.0 (no VM)"
[[nodiscard]] std::string owner_text(const Host& host, const PciAddress& device);

/// Fills irqs, cpus, devices and vms of a finding about one line.
void name_line(const Irq& irq, const DiagnosisInput& input, Finding& finding);

[[nodiscard]] std::string number_text(IrqNumber irq);

// The parts of find_sharing().
[[nodiscard]] std::vector<Finding> find_intx(const Sight& sight);
[[nodiscard]] std::vector<Finding> find_one_cpu(const Sight& sight);

}  // namespace irqtune
