// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace irqtune {

/// Puts `text` into the file at once or not at all: a full disk or a crash leaves the old file, and
/// nothing beside it. Links are followed; the old file's mode and owner stay. What is no regular
/// file, /dev/stdout for one, is written as it stands. Returns why it could not be written.
[[nodiscard]] std::error_code write_output_file(const std::filesystem::path& path,
                                                std::string_view text);

/// What to do where a file could not be written; `elsewhere` says how to name another.
[[nodiscard]] std::string write_hint(std::error_code error, std::string_view elsewhere);

}  // namespace irqtune
