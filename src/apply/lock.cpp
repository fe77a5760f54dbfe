// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "apply/state_dir.h"
#include "sys/rooted.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <thread>
#include <tuple>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace irqtune {

namespace {

constexpr std::chrono::milliseconds kPollInterval{20};

/// The PID that the holder wrote, for the message only: flock(2) is what decides.
std::string holder_text(int fd) {
  std::array<char, 32> text{};
  const auto size = ::pread(fd, text.data(), text.size(), 0);
  const auto pid =
      trimmed({text.data(), static_cast<std::size_t>(std::max(size, decltype(size){0}))});
  return parse_number<int>(pid) ? fmt::format("PID {}", pid) : std::string("of unknown PID");
}

/// True once the lock is held.
bool try_lock(int fd, const std::filesystem::path& path) {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return false;
    }
    if (errno != EINTR) {
      throw Error::system(ErrorKind::applying, path.native(), "cannot lock", last_error());
    }
  }
  return true;
}

}  // namespace

Lock::Lock(const std::filesystem::path& state_dir,
           std::chrono::milliseconds wait,
           const std::filesystem::path& root) {
  const auto path = state_dir / "lock";
  const Fd dir = open_state_dir(state_dir, root, true);
  Fd fd(::openat(dir.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!fd.valid()) {
    throw Error::system(ErrorKind::applying, path.native(), "cannot open the lock", last_error());
  }
  auto left = wait;
  while (!try_lock(fd.get(), path)) {
    if (left <= std::chrono::milliseconds::zero() || SignalGuard::interrupted()) {
      throw Error(
          ErrorKind::busy,
          fmt::format("{}: another irqtune ({}) is at work", path.native(), holder_text(fd.get())),
          "wait for it with --wait-lock, or try again later");
    }
    const auto pause = std::min(left, kPollInterval);
    std::this_thread::sleep_for(pause);
    left -= pause;
  }
  // The PID is a courtesy to the next one: failing to write it must not cost the lock.
  const auto pid = fmt::format("{}\n", ::getpid());
  std::ignore = ::ftruncate(fd.get(), 0);
  std::ignore = ::pwrite(fd.get(), pid.data(), pid.size(), 0);
  fd_ = fd.release();
}

Lock::~Lock() {
  ::close(fd_);
}

}  // namespace irqtune
