// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/frame.h"

#include <string>

namespace irqtune {

/// The document irqtune.top/1 on one line, with its newline: the vectors of passed-through devices,
/// busiest first.
[[nodiscard]] std::string frame_line(const Frame& frame);

}  // namespace irqtune
