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

/// The whole of a regular file of at most `limit` bytes, with its mode. What `is_record` is asked
/// for in one read(2), see is_one_record().
[[nodiscard]] FileText read_open_file(const Fd& fd, std::size_t limit, bool is_record);

/// As read_open_file() of a record, but without its mode, which costs another call: only what
/// gives nothing, or more than a small buffer, is looked at more closely. So a FIFO, a directory
/// and an endless device are errors here too; a device that gave a short text would be taken for a
/// file that holds it.
[[nodiscard]] FileText read_record(const Fd& fd, std::size_t limit);

/// True of a kernel's file that the kernel gives as one piece, however large the buffer is: what
/// comes short of the buffer is all of it. Most others come in pieces that end anywhere, so that
/// only a read(2) of nothing is the end. Source: Linux fs/seq_file.c, seq_read_iter(), and
/// single_open() in kernel/irq/proc.c and fs/proc/base.c (PROC_SINGLE); fs/sysfs/file.c.
[[nodiscard]] bool is_one_record(std::string_view path) noexcept;

/// Name and inode number of each entry of a directory that is open at its beginning, by name.
[[nodiscard]] Inodes entries_in(int fd, std::error_code& error);

[[nodiscard]] std::vector<std::string> names_in(const Fd& fd, std::error_code& error);

/// What the symbolic link `name` in `dir` holds; null if it is none.
[[nodiscard]] std::optional<std::string> target_in(const Fd& dir, const std::string& name);

/// In one write(2), as the kernel's files want it; EIO if it took a part.
[[nodiscard]] std::error_code write_all(int fd, std::string_view text);

/// A regular file of a tree, where the kernel would take the text as a whole: ended as the old text
/// was.
[[nodiscard]] std::error_code write_plain_file(int fd, std::string_view text);

}  // namespace irqtune
