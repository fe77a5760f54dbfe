// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace irqtune::test {

/// A system call of a traced program, as it enters it.
struct Call {
  std::uint64_t index = 0;  ///< From 0, over the whole run.
  std::uint64_t number = 0;
  std::array<std::uint64_t, 6> args = {};
};

/// What to do with a call.
struct Action {
  enum class Kind : std::uint8_t {
    go_on,
    kill_before,  ///< SIGKILL before the kernel does it.
    kill_after,   ///< SIGKILL once the kernel has done it.
    fail,         ///< The kernel does not do it; it returns -`error`.
    cut,          ///< The third argument (a length) is halved: a short write.
    interrupt,    ///< SIGTERM while it is done.
  };
  Kind kind = Kind::go_on;
  int error = 0;
};

struct RunResult {
  std::optional<int> exit_code;  ///< Empty if a signal ended it.
  std::uint64_t calls = 0;
  std::string output;  ///< stdout and stderr
};

/// True if this machine lets a process be traced, and its registers are known.
[[nodiscard]] bool can_trace();

/// Runs a program to its end, or until `decide` kills it. Each call is shown to `decide` once.
/// Uses ptrace(2): PTRACE_SYSCALL stops it at every entry and exit.
[[nodiscard]] RunResult run_traced(const std::vector<std::string>& command,
                                   const std::function<Action(const Call&)>& decide);

/// Runs a program to its end.
[[nodiscard]] RunResult run_plain(const std::vector<std::string>& command);

/// Starts a program without waiting; for wait_for().
[[nodiscard]] int start(const std::vector<std::string>& command);
[[nodiscard]] std::optional<int> wait_for(int pid);

}  // namespace irqtune::test
