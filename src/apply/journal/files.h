// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sys/fd.h"

#include <string>
#include <system_error>
#include <vector>

namespace irqtune {

/// Appends the names in an open directory, sorted; none if `dir` is invalid. With an error some may
/// be missing.
[[nodiscard]] std::error_code names_of(const Fd& dir, std::vector<std::string>& names);

/// All of a regular file of this user's. EPERM if it is someone else's or no regular file, EFBIG
/// above 64 MiB.
[[nodiscard]] std::error_code read_ours(const Fd& fd, std::string& text);

}  // namespace irqtune
