// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// How many measurements the state directory keeps: with one a day, more than two years.
inline constexpr std::size_t kMeasurementsKept = 1000;

/// Adds a line, one JSON document with its newline, to the measurements in the state directory, and
/// drops the oldest beyond kMeasurementsKept: all at once or not at all. Throws Error{host} if they
/// cannot be read or written.
void append_measurement(const Session& session, std::string_view line);

/// Oldest first, each as it was appended; none where none was. Throws Error{host} if they cannot be
/// read.
[[nodiscard]] std::vector<std::string> read_measurements(const Session& session);

}  // namespace irqtune
