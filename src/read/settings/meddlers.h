// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/settings.h"
#include "irqtune/sys/sysfs.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// The value of `NAME=value` or `NAME="value"` in a shell-like file; the last one counts. Empty
/// optional if the name is not assigned.
[[nodiscard]] std::optional<std::string> assigned(std::string_view text, std::string_view name);

/// What irqbalance was told. `drivers` as for find_meddlers(). One that can be asked by its socket
/// in `sockets` says itself which vectors it may move, whatever it was told; a tree has none, and
/// there `sockets` is empty.
[[nodiscard]] Meddler read_irqbalance(const Sysfs& sysfs,
                                      int pid,
                                      const std::vector<std::string>& drivers,
                                      const std::string& sockets);

}  // namespace irqtune
