// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "apply/journal/state_dir.h"
#include "sys/rooted.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <tuple>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

constexpr std::chrono::milliseconds kPollInterval{20};

std::string content(int fd) {
  std::array<char, 32> text{};
  const auto size = ::pread(fd, text.data(), text.size(), 0);
  return {text.data(), static_cast<std::size_t>(std::max(size, decltype(size){0}))};
}

/// The PID that the holder wrote, for the message only: flock(2) is what decides.
std::string holder_text(int fd) {
  const auto pid = content(fd);
  return parse_number<int>(trimmed(pid)) ? fmt::format("PID {}", trimmed(pid))
                                         : std::string("of unknown PID");
}

/// Each holder writes its PID, and sets the time when it begins and when it ends.
std::string stamp_of(int fd) {
  struct stat status {};

  const bool written = ::fstat(fd, &status) == 0 && status.st_size > 0;
  return written
             ? fmt::format("{} {}.{}", content(fd), status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
             : std::string();
}

Fd open_lock(int dir, const std::filesystem::path& path) {
  constexpr int kFlags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  int fd = ::openat(dir, "lock", O_RDWR | O_CREAT | kFlags, 0600);
  if (fd < 0 && errno == EROFS) {  // Masks can be put back all the same.
    fd = ::openat(dir, "lock", O_RDONLY | kFlags);
  }
  if (fd < 0) {
    throw Error::system(ErrorKind::applying,
                        path.native(),
                        "cannot open the lock",
                        last_error(),
                        "irqtune makes it, as a plain file: remove what stands there");
  }
  return Fd(fd);
}

/// False if someone removed the file that is open, or put another in its place: it locks nothing.
bool is_in_place(int dir, int fd) {
  struct stat opened {};

  struct stat named {};

  return ::fstat(fd, &opened) == 0 && ::fstatat(dir, "lock", &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
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

/// Waits for the lock, `left` at most. Throws as Lock() does.
void wait_for_lock(int fd,
                   const std::filesystem::path& path,
                   std::chrono::milliseconds left,
                   const Clock& clock) {
  while (!try_lock(fd, path)) {
    const auto other =
        fmt::format("{}: another irqtune ({}) is at work", path.native(), holder_text(fd));
    if (SignalGuard::interrupted()) {
      throw Error(ErrorKind::applying, other + "; interrupted: nothing was changed");
    }
    if (left <= std::chrono::milliseconds::zero()) {
      throw Error(ErrorKind::busy, other, "wait for it with --wait-lock, or try again later");
    }
    const auto pause = std::min(left, kPollInterval);
    clock.sleep(pause);
    left -= pause;
  }
}

Fd locked(int dir,
          const std::filesystem::path& path,
          std::chrono::milliseconds wait,
          const Clock& clock) {
  while (true) {
    Fd fd = open_lock(dir, path);
    wait_for_lock(fd.get(), path, wait, clock);
    if (is_in_place(dir, fd.get())) {
      return fd;
    }
  }
}

}  // namespace

Lock::Lock(const std::filesystem::path& state_dir,
           std::chrono::milliseconds wait,
           const std::filesystem::path& root,
           const Clock& clock) {
  const auto path = state_dir / "lock";
  const Fd dir = open_state_dir(state_dir, root, true);
  Fd fd = locked(dir.get(), path, wait, clock);
  found_ = stamp_of(fd.get());
  // The PID is a courtesy to the next one: failing to write it must not cost the lock.
  const auto pid = fmt::format("{}\n", ::getpid());
  std::ignore = ::ftruncate(fd.get(), 0);
  std::ignore = ::pwrite(fd.get(), pid.data(), pid.size(), 0);
  fd_ = fd.release();
}

Lock::~Lock() {
  std::ignore = ::futimens(fd_, nullptr);  // Whoever looked meanwhile sees another stamp.
  ::close(fd_);
}

std::string lock_stamp(const std::filesystem::path& state_dir) {
  const Fd fd(::open((state_dir / "lock").c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return fd.valid() ? stamp_of(fd.get()) : std::string();
}

}  // namespace irqtune
