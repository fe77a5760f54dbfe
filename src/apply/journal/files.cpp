// SPDX-License-Identifier: Apache-2.0
#include "apply/journal/files.h"

#include "sys/rooted.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

std::error_code names_of(const Fd& dir, std::vector<std::string>& names) {
  if (!dir.valid()) {
    return {};
  }
  Fd own(::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* stream = own.valid() ? ::fdopendir(own.get()) : nullptr;
  if (stream == nullptr) {
    return last_error();
  }
  static_cast<void>(own.release());  // closedir(3) closes it.
  errno = 0;                         // readdir(3) tells an error from the end by it alone.
  while (const auto* entry = ::readdir(stream)) {  // NOLINT(concurrency-mt-unsafe): its own stream
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
    errno = 0;
  }
  const auto error = errno != 0 ? last_error() : std::error_code{};
  ::closedir(stream);
  std::ranges::sort(names);
  return error;
}

std::error_code read_ours(const Fd& fd, std::string& text) {
  constexpr std::size_t kLimit = std::size_t{64} << 20;  // 65536 interrupts write some 25 MB.

  struct stat status {};

  if (::fstat(fd.get(), &status) != 0) {
    return last_error();
  }
  const bool trusted = status.st_uid == ::geteuid() || status.st_uid == 0;
  if (!S_ISREG(status.st_mode) || !trusted) {
    return std::make_error_code(std::errc::operation_not_permitted);
  }
  std::array<char, 65536> chunk{};
  while (text.size() <= kLimit) {
    const auto count = ::read(fd.get(), chunk.data(), chunk.size());
    if (count == 0) {
      return {};
    }
    if (count < 0 && errno != EINTR) {
      return last_error();
    }
    text.append(chunk.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  return std::make_error_code(std::errc::file_too_large);
}

}  // namespace irqtune
