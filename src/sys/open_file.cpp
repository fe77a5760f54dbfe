// SPDX-License-Identifier: Apache-2.0
#include "sys/open_file.h"

#include "sys/rooted.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

/// Appends the rest of `fd` to `text`, at most `limit` bytes in all.
std::error_code read_to_end(int fd, std::size_t size_hint, std::size_t limit, std::string& text) {
  constexpr std::size_t kFirst = 4096;
  std::size_t used = 0;
  text.resize(std::min(std::max(size_hint + 1, kFirst), limit + 1));
  while (true) {
    const auto count = ::read(fd, text.data() + used, text.size() - used);
    if (count < 0 && errno != EINTR) {
      return last_error();
    }
    if (count == 0) {
      text.resize(used);
      return {};
    }
    used += count > 0 ? static_cast<std::size_t>(count) : 0;
    if (used > limit) {
      return std::make_error_code(std::errc::file_too_large);
    }
    if (used == text.size()) {
      text.resize(std::min(text.size() * 2, limit + 1));
    }
  }
}

/// What a plain file is to hold: the text, ended as the old one was.
std::string ended_alike(std::string_view text, std::string_view old) {
  std::string out(text);
  if (old.empty() || old.ends_with('\n')) {
    out += '\n';
  }
  return out;
}

}  // namespace

std::error_code not_regular() {
  return {EMEDIUMTYPE, std::system_category()};
}

std::error_code regular_file(const Fd& fd, std::size_t limit, struct stat& status) {
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0) {
    return last_error();
  }
  if (!S_ISREG(status.st_mode)) {
    return S_ISDIR(status.st_mode) ? std::make_error_code(std::errc::is_a_directory)
                                   : not_regular();
  }
  if (std::cmp_greater(status.st_size, limit)) {
    return std::make_error_code(std::errc::file_too_large);
  }
  return {};
}

std::error_code stream_open_file(const Fd& fd,
                                 std::size_t limit,
                                 const std::function<void(std::string_view)>& take) {
  constexpr std::size_t kPiece = std::size_t{128} << 10;

  struct stat status {};

  if (const auto error = regular_file(fd, limit, status)) {
    return error;
  }
  std::vector<char> buffer(kPiece);
  for (std::size_t total = 0; total <= limit;) {
    const auto count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count == 0) {
      return {};
    }
    if (count < 0 && errno != EINTR) {
      return last_error();
    }
    if (count > 0) {
      total += static_cast<std::size_t>(count);
      take({buffer.data(), static_cast<std::size_t>(count)});
    }
  }
  return std::make_error_code(std::errc::file_too_large);
}

FileText read_open_file(const Fd& fd, std::size_t limit) {
  FileText file;

  struct stat status {};

  file.error = regular_file(fd, limit, status);
  if (file.error) {
    return file;
  }
  file.mode = status.st_mode & 07777U;
  std::string text;
  file.error = read_to_end(fd.get(), static_cast<std::size_t>(status.st_size), limit, text);
  if (!file.error) {
    file.text = std::move(text);
  }
  return file;
}

std::vector<std::string> names_in(Fd fd, std::error_code& error) {
  auto entries = Directory(fd.release()).entries(error);
  std::vector<std::string> names;
  names.reserve(entries.size());
  for (auto& entry : entries) {
    names.push_back(std::move(entry.first));
  }
  return names;
}

std::optional<std::string> target_in(const Fd& dir, const std::string& name) {
  std::array<char, PATH_MAX> buffer{};
  const auto size =
      dir.valid() ? ::readlinkat(dir.get(), name.c_str(), buffer.data(), buffer.size()) : -1;
  return size < 0 ? std::nullopt
                  : std::optional(std::string(buffer.data(), static_cast<std::size_t>(size)));
}

std::error_code write_all(int fd, std::string_view text) {
  const auto count = ::write(fd, text.data(), text.size());
  if (count < 0) {
    return last_error();
  }
  return std::cmp_equal(count, text.size()) ? std::error_code{}
                                            : std::make_error_code(std::errc::io_error);
}

std::error_code write_plain_file(int fd, std::string_view text) {
  std::string old;
  if (const auto error = read_to_end(fd, 0, Sysfs::kSmallFile, old)) {
    return error;
  }
  const auto wanted = ended_alike(text, old);
  auto bytes = wanted;  // Filled up to the old length: a crash then leaves the old or the new text.
  bytes.resize(std::max(bytes.size(), old.size()), '\n');
  for (std::size_t at = 0; at < bytes.size();) {
    const auto count = ::pwrite(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno != EINTR) {
      return last_error();
    }
    if (count == 0) {
      return std::make_error_code(std::errc::no_space_on_device);
    }
    at += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  return ::ftruncate(fd, static_cast<off_t>(wanted.size())) == 0 ? std::error_code{} : last_error();
}

}  // namespace irqtune
