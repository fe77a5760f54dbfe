// SPDX-License-Identifier: Apache-2.0
#include "apply/intent/left.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

namespace irqtune {

namespace {

/// Does the running kernel show in a file's mode that it spreads the interrupt by itself? Not, if
/// it does not say which it is.
bool shows_managed(const Sysfs& sysfs) {
  const auto release = sysfs.read("/proc/sys/kernel/osrelease").value_or("");
  std::string_view rest = release;
  const auto major = parse_number<unsigned>(take_until(rest, '.'));
  const auto minor = parse_number<unsigned>(rest.substr(0, rest.find_first_not_of("0123456789")));
  return major && minor && std::pair(*major, *minor) >= std::pair(6U, 12U);
}

}  // namespace

bool is_forwarded(const Kernel& kernel, const Outcome& outcome, const std::error_code& error) {
  const auto& write = outcome.write;
  if (error.value() != EINVAL || !write.identity || !write.identity->vector) {
    return false;
  }
  const auto& sysfs = kernel.sysfs;
  const auto chip = sysfs.read(
      fmt::format("/sys/kernel/irq/{}/chip_name", static_cast<std::uint32_t>(outcome.irq)));
  const auto online = CpuSet::parse_list(sysfs.read("/sys/devices/system/cpu/online").value_or(""));
  return chip && chip->starts_with("ITS") && online && online->intersects(write.after);
}

void describe_forwarded(Outcome& outcome) {
  outcome.state = WriteState::posted;
  outcome.hint = "left: the hardware delivers it to its vCPU by itself";
}

bool is_spread(const Kernel& kernel, const Outcome& outcome, const std::error_code& error) {
  const auto& identity = outcome.write.identity;
  return error.value() == EIO && outcome.state == WriteState::refused && identity &&
         !identity->vector && !shows_managed(kernel.sysfs);
}

void describe_spread(Outcome& outcome) {
  outcome.state = WriteState::managed;
  outcome.error.clear();
  outcome.hint = "left: the kernel spreads this device's interrupts by itself";
}

}  // namespace irqtune
