// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/irqbalance.h"

#include "support/hosts/fake_tree.h"

#include <cstddef>
#include <string>

#include <sys/types.h>

namespace irqtune::test {

/// A process that listens on irqbalance's socket in a tree, and obeys as irqbalance does: one
/// request a connection, from the kernel's word on who sent it.
class FakeIrqbalance {
 public:
  /// `banned`: by its options. `room`: how many bytes of a list it reads.
  explicit FakeIrqbalance(const FakeTree& tree, IrqSet banned = {}, std::size_t room = 482);
  FakeIrqbalance(const FakeIrqbalance&) = delete;
  FakeIrqbalance& operator=(const FakeIrqbalance&) = delete;
  FakeIrqbalance(FakeIrqbalance&&) = delete;
  FakeIrqbalance& operator=(FakeIrqbalance&&) = delete;
  ~FakeIrqbalance();

  [[nodiscard]] IrqSet banned() const;

  /// Its socket's name.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  [[noreturn]] void serve(int listener, IrqSet banned, std::size_t room) const;

  const FakeTree& tree_;
  std::string name_;
  std::string path_;
  pid_t pid_ = -1;
};

}  // namespace irqtune::test
