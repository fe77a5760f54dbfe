// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace irqtune {

/// How much an archive may unpack to, so that a bad one cannot ask for all memory.
struct ImageLimits {
  std::size_t entries = 1'000'000;                      ///< Members, and directories they imply.
  std::uint64_t total_bytes = std::uint64_t{1} << 30;   ///< All of it unpacked, names included.
  std::uint64_t file_bytes = std::uint64_t{512} << 20;  ///< One file.
};

/// A tree of files, directories and symbolic links read from an archive; read-only, and held in
/// memory whole.
///
/// Paths are absolute in the tree. Links resolve as openat2(2) does with RESOLVE_IN_ROOT: an
/// absolute target starts at the tree's root, and ".." never leaves it.
class TreeImage {
 public:
  /// Links followed on one path before it is an ELOOP. Source: path_resolution(7).
  static constexpr int kMaxLinks = 40;

  enum class Kind : std::uint8_t { file, directory, symlink };

  struct Entry {
    Kind kind = Kind::directory;
    std::uint32_t mode = 0755;      ///< Permission bits.
    std::string text;               ///< A file's content, a link's target; empty for a directory.
    std::string_view name;          ///< Last component; empty for the root.
    const Entry* parent = nullptr;  ///< The root's is itself.
    std::map<std::string, Entry*, std::less<>> children;  ///< By name.
  };

  /// Reads a tar archive, also a compressed one (gzip, xz, bzip2, zstd). Member names are taken
  /// relative to the root and ".." in them is skipped with its member, as are hard links, devices,
  /// FIFOs, sockets, and members below a link. A tree that stands in a directory of its own in the
  /// archive is found there.
  /// Throws Error{usage} "FILE: not a snapshot: ..." if it is no such archive, is damaged, goes
  /// past `limits`, or has none of proc, sys, etc and run in it.
  [[nodiscard]] static std::shared_ptr<const TreeImage> load(const std::filesystem::path& file,
                                                             const ImageLimits& limits = {});

  TreeImage(const TreeImage&) = delete;
  TreeImage& operator=(const TreeImage&) = delete;
  TreeImage(TreeImage&&) = delete;
  TreeImage& operator=(TreeImage&&) = delete;
  ~TreeImage() = default;

  /// What stands at `path`; nullptr with ENOENT, ENOTDIR or ELOOP in `error` if nothing does. A
  /// link in last place is followed if `follow_last` is set, or a '/' ends the path.
  [[nodiscard]] const Entry* find(std::string_view path,
                                  bool follow_last,
                                  std::error_code& error) const;

  /// Names in a directory, sorted; empty with `error` set if it is none.
  [[nodiscard]] std::vector<std::string> list(std::string_view path, std::error_code& error) const;

  /// A link's target as it stands; empty optional if there is no link at `path`.
  [[nodiscard]] std::optional<std::string> link_target(std::string_view path) const;

  /// Where `path` leads once every link is followed; empty optional if nowhere.
  [[nodiscard]] std::optional<std::string> resolve(std::string_view path) const;

 private:
  friend class ImageBuilder;

  TreeImage() = default;

  std::deque<Entry> entries_;  // Addresses stay: `children` and `parent` point into it.
  const Entry* root_ = nullptr;
};

}  // namespace irqtune
