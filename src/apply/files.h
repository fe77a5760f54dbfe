// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sys/fd.h"

#include <string>
#include <system_error>
#include <vector>

namespace irqtune {

/// Names in an open directory, sorted; empty if `dir` is invalid.
[[nodiscard]] std::vector<std::string> names_of(const Fd& dir);

/// All of a regular file of this user's. EPERM if it is someone else's or no regular file, EFBIG
/// above 256 MiB.
[[nodiscard]] std::error_code read_ours(const Fd& fd, std::string& text);

}  // namespace irqtune
