// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/directory.h"

#include "sys/rooted.h"

#include <algorithm>
#include <string_view>

#include <unistd.h>

namespace irqtune {

Directory::Directory(int fd) : dir_(fd >= 0 ? ::fdopendir(fd) : nullptr) {
  if (!dir_) {
    why_not_ = last_error();
  }
  if (!dir_ && fd >= 0) {
    ::close(fd);
  }
}

Inodes Directory::entries(std::error_code& error) {
  Inodes entries;
  if (!dir_) {
    error = why_not_;
    return entries;
  }
  ::rewinddir(dir_.get());
  while (const auto* entry = ::readdir(dir_.get())) {  // NOLINT(concurrency-mt-unsafe): its own
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") {
      entries.emplace_back(name, entry->d_ino);
    }
  }
  std::ranges::sort(entries);
  return entries;
}

}  // namespace irqtune
