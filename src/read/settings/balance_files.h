// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/sysfs.h"

#include <string>
#include <vector>

namespace irqtune {

/// The text with lines that end in a backslash and those behind them as one.
/// Source: systemd.syntax(7), systemd.exec(5)
[[nodiscard]] std::string joined_lines(std::string text);

/// What irqbalance's unit says, and behind it its drop-ins, by their names: of two of one name the
/// first folder's. Empty if there is no unit.
[[nodiscard]] std::string balance_unit(const Sysfs& sysfs);

/// What the unit sets by itself: "IRQBALANCE_ARGS=--banmod=vfio" of
/// `Environment="IRQBALANCE_ARGS=--banmod=vfio"`, a line each.
[[nodiscard]] std::string balance_environment(const Sysfs& sysfs);

/// True if the policy script at `path`, or one of those in that directory, bans the devices of
/// these drivers.
[[nodiscard]] bool policy_bans(const Sysfs& sysfs,
                               const std::string& path,
                               const std::vector<std::string>& drivers);

}  // namespace irqtune
