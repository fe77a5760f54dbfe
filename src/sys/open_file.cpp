// SPDX-License-Identifier: Apache-2.0
#include "sys/open_file.h"

#include "sys/rooted.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

constexpr std::size_t kPage = 4096;  // No kernel's file of one record is longer.

/// Appends the rest of `fd` to `text`, at most `limit` bytes in all. A text of `size` bytes, as a
/// file on a disk says that it has, is the whole of it.
std::error_code read_to_end(int fd, std::size_t size, std::size_t limit, std::string& text) {
  std::size_t used = text.size();
  text.resize(std::min(std::max(size + 1, used + kPage), limit + 1));
  while (true) {
    const auto count = ::read(fd, text.data() + used, text.size() - used);
    if (count < 0 && errno != EINTR) {
      return last_error();
    }
    used += count > 0 ? static_cast<std::size_t>(count) : 0;
    if (count == 0 || (used == size && used > 0)) {
      text.resize(used);
      return {};
    }
    if (used > limit) {
      return std::make_error_code(std::errc::file_too_large);
    }
    if (used == text.size()) {
      text.resize(std::min(text.size() * 2, limit + 1));
    }
  }
}

/// Reads a record; true if that was all of it.
bool read_short(const Fd& fd, std::string& text, std::error_code& error) {
  std::array<char, kPage> buffer;  // NOLINT(*-member-init): written before it is read
  const auto count = ::pread(fd.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && errno != EINTR) {
    error = errno == ESPIPE ? not_regular() : last_error();
  } else if (count > 0 && std::cmp_less(count, buffer.size())) {
    text.assign(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }
  return false;
}

/// Adds the entry of a directory that stands at `at`, unless it is the directory itself or the one
/// above; returns its bytes.
std::uint16_t take_entry(const char* at, Inodes& entries) {
  std::uint16_t size = 0;
  std::uint64_t inode = 0;
  std::memcpy(&size, at + offsetof(dirent64, d_reclen), sizeof size);
  std::memcpy(&inode, at + offsetof(dirent64, d_ino), sizeof inode);
  const std::string_view name = at + offsetof(dirent64, d_name);
  if (name != "." && name != "..") {
    entries.emplace_back(name, inode);
  }
  return size;
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

FileText read_open_file(const Fd& fd, std::size_t limit, bool is_record) {
  FileText file;

  struct stat status {};

  file.error = regular_file(fd, limit, status);
  if (file.error) {
    return file;
  }
  file.mode = status.st_mode & 07777U;
  std::string text;
  if (!is_record || limit < kPage || !read_short(fd, text, file.error)) {
    file.error = read_to_end(fd.get(), static_cast<std::size_t>(status.st_size), limit, text);
  }
  if (!file.error) {
    file.text = std::move(text);
  }
  return file;
}

FileText read_record(const Fd& fd, std::size_t limit) {
  FileText file;
  std::string text;
  if (fd.valid() && limit >= kPage && read_short(fd, text, file.error)) {
    file.text = std::move(text);
    return file;
  }
  return file.error ? std::move(file) : read_open_file(fd, limit, false);
}

bool is_one_record(std::string_view path) noexcept {
  constexpr std::string_view kProc = "/proc/";
  constexpr std::array<std::string_view, 4> kOfThreads = {"/comm", "/stat", "/status", "/cgroup"};
  if (path.starts_with("/proc/irq/")) {
    return true;
  }
  if (path.starts_with("/sys/")) {
    return !path.starts_with("/sys/fs/") && !path.starts_with("/sys/kernel/debug/");
  }
  const auto name = path.substr(std::min(path.rfind('/'), path.size()));
  const auto first = path.substr(std::min(kProc.size(), path.size()));
  return path.starts_with(kProc) && !first.empty() && first[0] >= '0' && first[0] <= '9' &&
         std::ranges::find(kOfThreads, name) != kOfThreads.end();
}

Inodes entries_in(int fd, std::error_code& error) {
  constexpr std::size_t kPiece = std::size_t{32} << 10;
  Inodes entries;
  const auto buffer = std::make_unique_for_overwrite<std::array<char, kPiece>>();
  ssize_t size = 0;
  while ((size = ::getdents64(fd, buffer->data(), buffer->size())) > 0) {
    for (ssize_t at = 0; at < size;) {
      at += take_entry(buffer->data() + at, entries);
    }
  }
  if (size < 0) {
    error = last_error();
  }
  std::ranges::sort(entries);
  return entries;
}

std::vector<std::string> names_in(const Fd& fd, std::error_code& error) {
  if (!fd.valid()) {
    error = last_error();
    return {};
  }
  auto entries = entries_in(fd.get(), error);
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
