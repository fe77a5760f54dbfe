// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sys/fd.h"

#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace irqtune {

/// errno of the last call.
[[nodiscard]] std::error_code last_error() noexcept;

/// Opens `path` ("/proc/...") below the directory `root`, following links inside it only.
[[nodiscard]] Fd open_in_root(int root, std::string_view path, int flags);

/// As open_in_root, where the kernel has no openat2(2) (before 5.6, or forbidden by a sandbox): the
/// links are followed by hand. Not safe against someone who renames directories meanwhile.
[[nodiscard]] Fd open_by_hand(int root, std::string_view path, int flags);

/// `path` with every link followed inside `root`, the last one only if `last`; empty optional if it
/// leads nowhere or through more than 40 links (as path_resolution(7) has it).
[[nodiscard]] std::optional<std::string> resolve_in_root(int root,
                                                         std::string_view path,
                                                         bool last);

}  // namespace irqtune
