// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/tree_image.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace irqtune {

/// What is to stand at one path of a new tree.
struct TreeItem {
  TreeImage::Kind kind = TreeImage::Kind::file;
  std::uint32_t mode = 0644;  ///< Permission bits of a file.
  std::string text;           ///< A file's content, a link's target.
};

/// By absolute path in the tree; no path leads through a link.
using TreeItems = std::map<std::string, TreeItem>;

/// Throws Error{usage} if `output` is a directory with something in it, or another kind of archive
/// than write_tree() makes.
void check_output(const std::filesystem::path& output);

/// Writes a tree as an archive, if `output` ends in ".tar.gz" or ".tgz", else as a directory, which
/// must not be there yet or be empty. It is made beside `output` under another name, readable by
/// its owner alone, and renamed: an existing archive is replaced at once or not at all.
/// Throws as check_output(), and Error{host} if it cannot be written; nothing is left behind then.
void write_tree(const std::filesystem::path& output, const TreeItems& items);

}  // namespace irqtune
