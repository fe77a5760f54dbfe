// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/sysfs.h"

#include <cstdint>
#include <optional>
#include <string>

namespace irqtune {

/// The user's name by /etc/passwd below the root, printable; empty if it has none there, as users
/// of a directory service have. Not by getpwuid(3): it loads libraries of the machine, which a
/// static program cannot.
[[nodiscard]] std::optional<std::string> user_name(const Sysfs& sysfs, std::uint32_t uid);

}  // namespace irqtune
