// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sys/fd.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace irqtune {

/// Opens the directory of journals and lock; makes it (0755, whatever the umask; its parents too)
/// if `create`. An invalid Fd if it is absent and `create` is false.
///
/// Walks the path one component at a time and follows a symbolic link only if root or this user
/// placed it, and none at all below `root` unless that is "/": a tree must not lead out of itself.
/// Throws Error{applying} (Error{host} unless `create`) if that fails, or if the directory belongs
/// to someone else (but to root, unless `create`) or others may write to it.
[[nodiscard]] Fd open_state_dir(const std::filesystem::path& dir,
                                const std::filesystem::path& root,
                                bool create);

/// The same of a directory that may be anyone's, and that others may write to, as a tree of an
/// ordinary user is and /run in a small system.
[[nodiscard]] Fd open_shared_dir(const std::filesystem::path& dir,
                                 const std::filesystem::path& root);

/// The directory `name` in `parent`, never through a link; otherwise as open_state_dir. `shown` is
/// its path for messages.
[[nodiscard]] Fd open_private_dir(const Fd& parent,
                                  const char* name,
                                  const std::filesystem::path& shown,
                                  bool create);

/// Lets other users read a directory. True if they could not before.
bool open_to_readers(const Fd& dir);

}  // namespace irqtune
