// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/directory.h"

#include "sys/fd.h"
#include "sys/open_file.h"
#include "sys/rooted.h"

#include <utility>

#include <unistd.h>

namespace irqtune {

Directory::Directory(int fd) {
  if (fd >= 0) {
    fd_ = shared_fd(Fd(fd));
  } else {
    why_not_ = last_error();
  }
}

Inodes Directory::entries(std::error_code& error) const {
  if (!fd_) {
    error = why_not_;
    return {};
  }
  if (::lseek(*fd_, 0, SEEK_SET) != 0) {
    error = last_error();
    return {};
  }
  return entries_in(*fd_, error);
}

}  // namespace irqtune
