// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sys/fd.h"

#include <string_view>

namespace irqtune {

/// True if the kernel's message is about what a plan rests on: a PCI device that comes, goes or
/// changes its driver, vfio's devices, a CPU that goes on or off line. Source: udev(7); Linux
/// lib/kobject_uevent.c: "ACTION@PATH", then KEY=VALUE, each ended by a NUL.
[[nodiscard]] bool concerns_plan(std::string_view message) noexcept;

/// The kernel's own uevents by netlink. Source: netlink(7), NETLINK_KOBJECT_UEVENT, group 1.
class UeventSource {
 public:
  /// Without the right to listen it has no descriptor.
  UeventSource();

  /// -1 if there is none.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Reads all that came. True if any concerns the plan, or some were lost.
  [[nodiscard]] bool drain() const;

 private:
  Fd fd_;
};

}  // namespace irqtune
