// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/directory.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace irqtune {

class TreeImage;

/// What became of reading one file.
struct FileText {
  std::optional<std::string> text;  ///< Whole file; empty optional if `error` is set.
  std::error_code error;            ///< ENOENT if it is absent.
  std::uint32_t mode = 0;           ///< Permission bits, as stat(2) gives them.
};

/// The kernel's file trees below one root: "/" on a live host, a captured or hand-made tree, or a
/// snapshot archive held in memory.
///
/// Paths are absolute in the tree ("/proc/interrupts"). Nothing else in this program opens files
/// below /proc, /sys, /etc or /run. Symbolic links resolve inside the root and cannot lead out of
/// it (openat2(2) RESOLVE_IN_ROOT; by hand where the kernel lacks it). Only regular files are read:
/// a FIFO or a device in a file's place is an error, never a hang.
class Sysfs {
 public:
  /// Largest file that read() returns unless told otherwise; a larger one gives EFBIG.
  static constexpr std::size_t kSmallFile = std::size_t{4} << 20;

  /// A directory, or a snapshot file (".tar.gz"). Throws Error{usage} if `root` is neither.
  explicit Sysfs(const std::filesystem::path& root = "/");

  /// True for the live host: the root is "/".
  [[nodiscard]] bool live() const noexcept { return live_; }

  /// True for a snapshot file: nothing can be written.
  [[nodiscard]] bool in_memory() const noexcept { return image_ != nullptr; }

  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }

  /// Whole file as it is. Never trusts st_size: procfs says 0 and sysfs 4096.
  [[nodiscard]] FileText read_file(std::string_view path, std::size_t limit = kSmallFile) const;

  /// The file piece by piece, for what is too big to hold twice; returns why it could not be read
  /// to its end. A piece is valid during its call only.
  [[nodiscard]] std::error_code stream(std::string_view path,
                                       std::size_t limit,
                                       const std::function<void(std::string_view)>& take) const;

  /// Whole file, trailing newlines removed; empty optional if it is absent or cannot be read.
  [[nodiscard]] std::optional<std::string> read(std::string_view path) const;

  /// What read() took for absent though something stands there that is no file to read: larger than
  /// kSmallFile, a FIFO, a directory, a loop of links. "/proc/stat: File too large", each once, at
  /// most 20.
  [[nodiscard]] std::vector<std::string> passed_over() const { return *passed_over_; }

  /// Names in a directory, sorted; empty if it does not exist or cannot be read. `error`, if given,
  /// says why.
  [[nodiscard]] std::vector<std::string> list(std::string_view path,
                                              std::error_code* error = nullptr) const;

  /// Name and inode number of each entry of a directory, by name. The kernel gives a file of sysfs
  /// another number when it makes it anew under its old name. Of a tree, which is no kernel, as
  /// kInodes records it: "PATH NUMBER", a line each; empty if it does not.
  /// Source: Linux fs/kernfs/dir.c, kernfs_new_node(): numbers go round before one comes again.
  [[nodiscard]] Inodes inodes(std::string_view path) const;

  /// The directory, to be read again and again: that saves its opening each time. Of a tree too,
  /// where its inode numbers are the tree's own and mean nothing; not of a snapshot file.
  [[nodiscard]] Directory open_directory(std::string_view path) const;

  /// Where a tree records inode numbers.
  static constexpr std::string_view kInodes = "/irqtune/inodes";

  /// A symbolic link's target as it stands; empty optional if it is absent or no link.
  [[nodiscard]] std::optional<std::string> link_target(std::string_view path) const;

  /// Name and target of each symbolic link in a directory, by name; what is no link is left out. As
  /// list() and link_target() in one: a VM has thousands of descriptors.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> links(
      std::string_view path, std::error_code* error = nullptr) const;

  /// Last component of link_target(): "driver" -> "mlx5_core".
  [[nodiscard]] std::optional<std::string> link_name(std::string_view path) const;

  /// Where a path leads in the tree once every link in it is followed,
  /// "/sys/devices/pci0000:20/..."; empty optional if it leads nowhere.
  [[nodiscard]] std::optional<std::string> resolve(std::string_view path) const;

  [[nodiscard]] bool exists(std::string_view path) const;

  /// User id of the owner of a file or directory; empty if it is absent, and always on a tree,
  /// where it is whoever unpacked it.
  [[nodiscard]] std::optional<std::uint32_t> owner(std::string_view path) const;

  /// Opens `path` for writing, asks `still_holds`, then writes all of `text` with one write(2) on
  /// the same descriptor, which cannot come to mean a later owner of the name. Returns errno as it
  /// came; ESTALE if `still_holds` said no.
  [[nodiscard]] std::error_code write(std::string_view path,
                                      std::string_view text,
                                      const std::function<bool()>& still_holds) const;

  /// A path by which another library may open the file (through its descriptor, so that links
  /// cannot lead out of the root); empty if it is absent or in memory. Valid while `holder` lives.
  /// Throws Error{host} if it is no regular file or larger than kSmallFile: such a library would
  /// wait or read on.
  [[nodiscard]] std::string library_path(std::string_view path,
                                         std::shared_ptr<void>& holder) const;

 private:
  std::filesystem::path root_;
  bool live_ = false;
  std::shared_ptr<const TreeImage> image_;
  std::shared_ptr<const int> root_fd_;
  std::shared_ptr<std::vector<std::string>> passed_over_ =
      std::make_shared<std::vector<std::string>>();
};

}  // namespace irqtune
