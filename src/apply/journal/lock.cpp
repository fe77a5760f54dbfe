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
#include <memory>
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

std::string stamp_of_file(const std::filesystem::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return fd.valid() ? stamp_of(fd.get()) : std::string();
}

std::string joined(const std::string& state, const std::string& host) {
  return state.empty() && host.empty() ? std::string() : fmt::format("{};{}", state, host);
}

Fd open_lock(int dir, const std::filesystem::path& path) {
  constexpr int kFlags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  const auto name = path.filename();
  int fd = ::openat(dir, name.c_str(), O_RDWR | O_CREAT | kFlags, 0600);
  if (fd < 0 && errno == EROFS) {  // Masks can be put back all the same.
    fd = ::openat(dir, name.c_str(), O_RDONLY | kFlags);
  }
  constexpr auto kHint = "irqtune makes it, as a plain file: remove what stands there";
  if (fd < 0) {
    throw Error::system(
        ErrorKind::applying, path.native(), "cannot open the lock", last_error(), kHint);
  }
  Fd lock(fd);

  struct stat status {};

  // Its PID is written into it: into no file that has another name as well.
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink > 1) {
    throw Error(ErrorKind::applying, path.native() + ": no plain file of one name", kHint);
  }
  return lock;
}

/// False if someone removed the file that is open, or put another in its place: it locks nothing.
bool is_in_place(int dir, int fd, const char* name) {
  struct stat opened {};

  struct stat named {};

  return ::fstat(fd, &opened) == 0 && ::fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
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
    if (is_in_place(dir, fd.get(), path.filename().c_str())) {
      return fd;
    }
  }
}

/// The file that every change to one host's masks holds, whatever the state directory.
std::filesystem::path host_lock(const std::filesystem::path& root) {
  return (root.empty() ? std::filesystem::path("/") : root) / "run/irqtune.lock";
}

Fd open_host_lock_dir(const std::filesystem::path& path, const std::filesystem::path& root) {
  try {
    return open_shared_dir(path.parent_path(), root.empty() ? "/" : root);
  } catch (const Error& error) {
    throw Error(error.kind(), error.what(), "one lock for the host is kept there; run it as root");
  }
}

}  // namespace

/// One file, held.
class Lock::File {
 public:
  File(const Fd& dir,
       const std::filesystem::path& path,
       std::chrono::milliseconds wait,
       const Clock& clock)
      : fd_(locked(dir.get(), path, wait, clock)), found_(stamp_of(fd_.get())) {
    // The PID is a courtesy to the next one: failing to write it must not cost the lock.
    const auto pid = fmt::format("{}\n", ::getpid());
    std::ignore = ::ftruncate(fd_.get(), 0);
    std::ignore = ::pwrite(fd_.get(), pid.data(), pid.size(), 0);
  }

  File(const File&) = delete;
  File& operator=(const File&) = delete;
  File(File&&) = delete;
  File& operator=(File&&) = delete;

  ~File() {
    std::ignore = ::futimens(fd_.get(), nullptr);  // Whoever looked meanwhile sees another stamp.
  }

  [[nodiscard]] const std::string& found() const noexcept { return found_; }

 private:
  Fd fd_;
  std::string found_;
};

Lock::Lock(const std::filesystem::path& state_dir,
           std::chrono::milliseconds wait,
           const std::filesystem::path& root,
           const Clock& clock) {
  const Fd dir = open_state_dir(state_dir, root, true);
  state_ = std::make_unique<File>(dir, state_dir / "lock", wait, clock);
  found_ = state_->found();
}

Lock::Lock(const Session& session, std::chrono::milliseconds wait, const Clock& clock)
    : Lock(session.state_dir, wait, session.root, clock) {
  const auto path = host_lock(session.root);
  const Fd dir = open_host_lock_dir(path, session.root);
  host_ = std::make_unique<File>(dir, path, wait, clock);
  found_ = joined(found_, host_->found());
}

Lock::~Lock() = default;

std::string lock_stamp(const std::filesystem::path& state_dir) {
  return stamp_of_file(state_dir / "lock");
}

std::string lock_stamp(const Session& session) {
  return joined(lock_stamp(session.state_dir), stamp_of_file(host_lock(session.root)));
}

}  // namespace irqtune
