// SPDX-License-Identifier: Apache-2.0
#include "sys/fd.h"

#include "sys/rooted.h"

#include <cerrno>
#include <cstddef>

namespace irqtune {

std::shared_ptr<const int> shared_fd(Fd fd) {
  return {new int(fd.release()), [](const int* held) {  // NOLINT(*-owning-memory): the deleter owns
            ::close(*held);
            delete held;  // NOLINT(*-owning-memory)
          }};
}

std::error_code write_fully(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno != EINTR) {
      return last_error();
    }
    text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  return {};
}

}  // namespace irqtune
