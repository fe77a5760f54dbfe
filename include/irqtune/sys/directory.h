// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace irqtune {

/// Name and inode number of each entry of a directory, by name.
using Inodes = std::vector<std::pair<std::string, std::uint64_t>>;

/// An open directory that can be read again and again. One that was removed has no entries, even if
/// there is another of its name by now. Source: getdents(2).
class Directory {
 public:
  Directory() = default;

  /// Takes the descriptor over; -1 for none, with errno saying why.
  explicit Directory(int fd);

  [[nodiscard]] bool valid() const noexcept { return fd_ != nullptr; }

  /// All but "." and ".."; none if it is not valid or was removed, with `error` saying why.
  [[nodiscard]] Inodes entries(std::error_code& error) const;

 private:
  std::shared_ptr<const int> fd_;
  std::error_code why_not_ = std::make_error_code(std::errc::no_such_file_or_directory);
};

}  // namespace irqtune
