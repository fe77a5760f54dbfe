// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/change.h"

#include <string>
#include <string_view>

namespace irqtune {

/// What standard error says of the masks that could not be set, so that scripts see it without the
/// table. Of a run that was undone, one line: the first refusal, and how many masks shared its
/// fate. Else, and of a rollback, a line for each refusal, of which the first ten are named, and
/// for its problem. Empty if there is none.
[[nodiscard]] std::string failures_text(const ApplyReport& report);

/// `text` with each command in it ("`irqtune rollback ID`") as it is to be typed for the same host:
/// `program` is "irqtune --root DIR".
[[nodiscard]] std::string in_full(std::string text, std::string_view program);

}  // namespace irqtune
