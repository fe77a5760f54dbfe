// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace irqtune {

/// Closes its descriptor; the smallest thing that makes early returns safe.
class Fd {
 public:
  explicit Fd(int fd) noexcept : fd_(fd) {}

  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  Fd& operator=(Fd&&) = delete;

  ~Fd() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  [[nodiscard]] int get() const noexcept { return fd_; }

  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

/// The same descriptor for several owners; the last one closes it.
[[nodiscard]] std::shared_ptr<const int> shared_fd(Fd fd);

/// Writes all of `text`, over short writes and signals; the error of the write that failed.
[[nodiscard]] std::error_code write_fully(int fd, std::string_view text);

}  // namespace irqtune
