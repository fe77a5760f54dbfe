// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <csignal>

namespace irqtune {

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGPIPE are noted instead of ending the process, and
/// SIGXFSZ does nothing, so that a journal above the limit is an error as any other: an apply or a
/// rollback finishes its current write, and then puts things in order. What the caller had ignored
/// (nohup(1)) stays ignored. One at a time in a process. The destructor puts the old handlers back.
class SignalGuard {
 public:
  SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;
  SignalGuard(SignalGuard&&) = delete;
  SignalGuard& operator=(SignalGuard&&) = delete;
  ~SignalGuard();

  /// True once one of them came since the guard was made: for ApplyOptions::interrupted.
  [[nodiscard]] static bool interrupted() noexcept;

 private:
  static constexpr std::size_t kSignals = 5;
  std::array<struct sigaction, kSignals> old_{};
};

}  // namespace irqtune
