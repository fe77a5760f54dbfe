// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"

#include "support/hosts/fake_tree.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace irqtune::test {

/// A tree with one passed-through device, 0000:3b:00.0: vector i is IRQ 30+i, its mask 0-7, its
/// effective CPU 7. default_smp_affinity is ff.
class VfioTree : public FakeTree {
 public:
  static constexpr unsigned kFirstIrq = 30;

  explicit VfioTree(unsigned vectors);

  /// IRQ `irq` becomes vector `index` of `device`, with the mask `mask`.
  void add_vector(unsigned irq,
                  unsigned index,
                  std::string_view device = "0000:3b:00.0",
                  std::string_view mask = "0-7");

  /// The kernel gives the IRQ back: nothing of it is left.
  void remove_irq(unsigned irq, std::string_view device = "0000:3b:00.0");

  /// Requested mask of IRQ `irq`, as the file holds it.
  [[nodiscard]] std::string mask(unsigned irq) const;
  void set_mask(unsigned irq, std::string_view mask);

  /// Every requested mask, for comparing the whole tree.
  [[nodiscard]] std::string masks() const;

  /// Moves vector i to CPU i, and the default to 0-1 if `with_default`.
  [[nodiscard]] std::vector<Write> writes(bool with_default = false) const;

  [[nodiscard]] Session session() const;

  /// The only journal's text, or that of `id`.
  [[nodiscard]] std::string journal(std::string id = {}) const;
  void set_journal(std::string_view id, std::string_view text);

 private:
  unsigned vectors_;
};

/// The device that VfioTree has.
[[nodiscard]] PciAddress vfio_device();

/// Options whose waits take no time.
[[nodiscard]] ApplyOptions quick_options();

/// The system's error of an errno.
[[nodiscard]] std::error_code errno_code(int number);

/// Writes like Sysfs, but call `k` (from 0) does `instead` first and returns its error, if any.
[[nodiscard]] WriteFn at_write(const Sysfs& sysfs,
                               unsigned k,
                               std::function<std::error_code()> instead);

/// What became of the write planned for IRQ `irq`.
[[nodiscard]] const Outcome& outcome_of(const ApplyReport& report, unsigned irq);

}  // namespace irqtune::test
