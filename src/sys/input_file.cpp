// SPDX-License-Identifier: Apache-2.0
#include "sys/input_file.h"

#include "sys/fd.h"
#include "sys/rooted.h"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

constexpr std::size_t kChunk = 65536;

Fd open_input(const std::filesystem::path& path) {
  return Fd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                        : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
}

/// Known before a byte is read, of a regular file.
bool is_too_large(const struct stat& status, std::size_t limit) {
  return S_ISREG(status.st_mode) && std::cmp_greater(status.st_size, limit);
}

}  // namespace

FileText read_input_file(const std::filesystem::path& path, std::size_t limit) {
  const auto fd = open_input(path);

  struct stat status {};

  if (!fd.valid() || ::fstat(fd.get(), &status) != 0) {
    return {std::nullopt, last_error(), 0};
  }
  std::string text;
  std::array<char, kChunk> chunk{};
  while (!is_too_large(status, limit) && text.size() <= limit) {
    const auto count = ::read(fd.get(), chunk.data(), chunk.size());
    if (count == 0) {
      return {std::move(text), {}, status.st_mode & 07777U};
    }
    if (count < 0 && errno != EINTR) {
      return {std::nullopt, last_error(), 0};
    }
    text.append(chunk.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  return {std::nullopt, std::make_error_code(std::errc::file_too_large), 0};
}

}  // namespace irqtune
