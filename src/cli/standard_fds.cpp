// SPDX-License-Identifier: Apache-2.0
#include "cli/standard_fds.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

namespace irqtune {

void occupy_standard_fds() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) {
      continue;
    }
    // The lowest free number is this one. Read-only for output, and the other way round.
    const int flags = (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC;
    if (::open("/dev/null", flags) != fd && ::open("/", O_PATH | O_CLOEXEC) != fd) {
      std::_Exit(1);
    }
  }
}

}  // namespace irqtune
