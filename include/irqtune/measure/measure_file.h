// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/measurement.h"

#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// The figures of an earlier measurement, a document irqtune.measure/1; `name` is the file's for
/// messages. Throws Error{usage} if it is no such document.
[[nodiscard]] std::vector<Sample> parse_samples(std::string_view text, const std::string& name);

}  // namespace irqtune
