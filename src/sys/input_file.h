// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/sysfs.h"

#include <cstddef>
#include <filesystem>

namespace irqtune {

/// The whole of what a user named on the command line: a file, a pipe (/dev/stdin, a shell's
/// `<(...)`, a FIFO), or standard input for "-". At most `limit` bytes, else EFBIG; a pipe is
/// waited for as long as its writer takes.
[[nodiscard]] FileText read_input_file(const std::filesystem::path& path, std::size_t limit);

}  // namespace irqtune
