// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include <sys/mman.h>
#include <unistd.h>

namespace irqtune::fuzz {

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};  // NOLINT(*-reinterpret-cast)
}

void require(bool holds, std::string_view what, std::string_view shown) {
  if (!holds) {
    fmt::print(stderr, "Does not hold: {}\n{}\n", what, shown);
    std::abort();
  }
}

bool is_plain(std::string_view text) {
  while (!text.empty()) {
    const auto line = take_until(text, '\n');
    if (printable(line) != line) {
      return false;
    }
  }
  return true;
}

MemoryFile::MemoryFile(std::string_view content)
    : fd_(::memfd_create("irqtune-fuzz", MFD_CLOEXEC)) {
  const auto size = static_cast<ssize_t>(content.size());
  require(fd_ >= 0 && ::write(fd_, content.data(), content.size()) == size, "memory for a file");
  path_ = fmt::format("/proc/self/fd/{}", fd_);
}

MemoryFile::~MemoryFile() {
  ::close(fd_);
}

}  // namespace irqtune::fuzz
