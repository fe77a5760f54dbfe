// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/sysfs.h"

#include "sys/fd.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// Tells that files below some directories of the tree changed. Source: inotify(7).
class FileSource {
 public:
  explicit FileSource(const Sysfs& sysfs);

  /// -1 if there is none.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Watches those of the directories that are there now, in addition. False if the kernel takes no
  /// more of them.
  bool watch(const std::vector<std::string>& directories);

  /// Reads all that came. True if there was any.
  [[nodiscard]] bool drain();

 private:
  /// Whole events as read(2) gave them.
  void take(std::string_view events);

  const Sysfs& sysfs_;
  Fd fd_;
  std::map<std::string, int> watched_;  // Path in the tree -> watch descriptor.
};

}  // namespace irqtune
