// SPDX-License-Identifier: Apache-2.0
#include "sys/output_file.h"

#include "sys/fd.h"
#include "sys/rooted.h"

#include <fmt/format.h>

#include <cerrno>
#include <tuple>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

std::error_code write_in_place(const std::filesystem::path& path, std::string_view text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
  return fd.valid() ? write_fully(fd.get(), text) : last_error();
}

/// Writes all of a new file; `old` is the one that it is going to replace, if there is one.
std::error_code write_new(const std::filesystem::path& path,
                          std::string_view text,
                          const struct stat* old) {
  constexpr mode_t kMode = 0666;  // Less the umask.
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (!fd.valid()) {
    return last_error();
  }
  if (old != nullptr) {  // In vain where they are another user's.
    std::ignore = ::fchown(fd.get(), old->st_uid, old->st_gid);
    std::ignore = ::fchmod(fd.get(), old->st_mode & 07777U);
  }
  const auto error = write_fully(fd.get(), text);
  return error || ::fsync(fd.get()) == 0 ? error : last_error();
}

}  // namespace

std::error_code write_output_file(const std::filesystem::path& path, std::string_view text) {
  struct stat status {};

  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    return write_in_place(path, text);
  }
  std::error_code ignored;
  const auto real = exists ? std::filesystem::canonical(path, ignored) : path;
  auto fresh = real;
  fresh.replace_filename(fmt::format(".{}.{}", real.filename().native(), ::getpid()));
  auto error = write_new(fresh, text, exists ? &status : nullptr);
  if (!error && ::rename(fresh.c_str(), real.c_str()) != 0) {
    error = last_error();
  }
  if (error && error != std::errc::file_exists) {
    ::unlink(fresh.c_str());
  }
  return error;
}

std::string write_hint(std::error_code error, std::string_view elsewhere) {
  switch (error.value()) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return fmt::format("free space on its file system, or {}", elsewhere);
    case EROFS:
      return fmt::format("make its file system writable, or {}", elsewhere);
    case EACCES:
    case EPERM:
      return fmt::format("be root, or {}", elsewhere);
    default:
      return std::string(elsewhere);
  }
}

}  // namespace irqtune
