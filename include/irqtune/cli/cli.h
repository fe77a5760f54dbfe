// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/error.h"

#include <iosfwd>

namespace irqtune {

/// The exit codes of every command, as documented in README.md.
enum class ExitCode : int {
  ok = 0,       ///< Done; nothing left to do.
  failed = 1,   ///< The host is as it was before.
  usage = 2,    ///< Bad usage or bad input; nothing was touched.
  differs = 3,  ///< Changes pending, drift, findings.
  partial = 4,  ///< Something could not be applied or undone; the output names it.
  busy = 5,     ///< Another irqtune holds the lock.
};

[[nodiscard]] ExitCode exit_code_for(ErrorKind kind) noexcept;

/// The program without its process: results to `out`, diagnostics to `err`, never exits, never
/// throws.
[[nodiscard]] ExitCode run_cli(int argc,
                               const char* const* argv,
                               std::ostream& out,
                               std::ostream& err) noexcept;

}  // namespace irqtune
