// SPDX-License-Identifier: Apache-2.0
#include "cli/standard_fds.h"

#include "support/catch.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace irqtune {

namespace {

/// Exit code 0 if no file that is opened afterwards can take what is printed.
int probe(int closed) {
  ::close(closed);
  occupy_standard_fds();
  if (::open("/dev/null", O_RDWR | O_CLOEXEC) <= STDERR_FILENO) {
    return 1;
  }
  char byte = 0;
  const auto done = closed == STDIN_FILENO ? ::read(closed, &byte, 1) : ::write(closed, &byte, 1);
  return done < 0 && errno == EBADF ? 0 : 2;
}

}  // namespace

TEST_CASE("standard fds: what the caller closed is no file's number", "[cli]") {
  const int closed = GENERATE(STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO);
  CAPTURE(closed);
  const auto pid = ::fork();
  if (pid == 0) {
    ::_exit(probe(closed));
  }
  int status = -1;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

}  // namespace irqtune
