// SPDX-License-Identifier: Apache-2.0
/// What the door to files does once a descriptor is open: read, list, follow and write, with each
/// error as its code.
#pragma once

#include "irqtune/sys/sysfs.h"

#include "sys/fd.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/stat.h>

namespace irqtune {

/// A FIFO, a device or a socket in a file's place. A code that no driver gives, unlike EINVAL.
[[nodiscard]] std::error_code not_regular();

/// ENOENT and the like if `fd` is none, EISDIR or not_regular() if it is no regular file, EFBIG if
/// it says itself that it is larger than `limit`.
[[nodiscard]] std::error_code regular_file(const Fd& fd, std::size_t limit, struct stat& status);

/// Piece by piece through one small buffer: it stays in the cache, where the whole would not.
/// EFBIG once more than `limit` bytes came.
[[nodiscard]] std::error_code stream_open_file(const Fd& fd,
                                               std::size_t limit,
                                               const std::function<void(std::string_view)>& take);

/// The whole of a regular file of at most `limit` bytes, with its mode.
[[nodiscard]] FileText read_open_file(const Fd& fd, std::size_t limit);

/// The entries of a directory, by name.
[[nodiscard]] std::vector<std::string> names_in(Fd fd, std::error_code& error);

/// What the symbolic link `name` in `dir` holds; null if it is none.
[[nodiscard]] std::optional<std::string> target_in(const Fd& dir, const std::string& name);

/// In one write(2), as the kernel's files want it; EIO if it took a part.
[[nodiscard]] std::error_code write_all(int fd, std::string_view text);

/// A regular file of a tree, where the kernel would take the text as a whole: ended as the old text
/// was.
[[nodiscard]] std::error_code write_plain_file(int fd, std::string_view text);

}  // namespace irqtune
