// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sys/fd.h"

#include <array>
#include <csignal>
#include <optional>

namespace irqtune {

/// Takes SIGINT, SIGTERM, SIGHUP and SIGUSR1 from a descriptor instead of being interrupted by
/// them, as long as it lives; SIGPIPE and SIGXFSZ do nothing. Source: signalfd(2).
class SignalSource {
 public:
  /// Throws Error{host} if there is no descriptor left.
  SignalSource();
  SignalSource(const SignalSource&) = delete;
  SignalSource& operator=(const SignalSource&) = delete;
  SignalSource(SignalSource&&) = delete;
  SignalSource& operator=(SignalSource&&) = delete;
  ~SignalSource();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// The next signal that came; empty if there is none.
  [[nodiscard]] std::optional<int> next() const;

 private:
  sigset_t old_{};
  std::array<struct sigaction, 2> old_actions_{};
  Fd fd_;
};

}  // namespace irqtune
