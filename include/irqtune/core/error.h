// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace irqtune {

/// Why a command could not do its job. Each kind maps to one exit code (see `exit_code_for`).
enum class ErrorKind {
  usage,     ///< What the user asked for, or a file the user gave, has no meaning. Exit code 2.
  host,      ///< The host could not be read. Exit code 1.
  applying,  ///< A write could not start or go on; nothing is left changed. Exit code 1.
  stranded,  ///< Putting back failed: the host is between two states. Exit code 4.
  busy,      ///< Another irqtune holds the lock. Exit code 5.
};

/// The only exception this program throws.
///
/// Absence is not an error (`std::optional`), and neither is a refusal that the caller plans for
/// (`Outcome`). An Error ends the command: `run_cli` prints it and turns it into an exit code, and
/// only `apply` catches it on the way, to put back what it wrote, and throws it on.
class Error : public std::runtime_error {
 public:
  /// `message` is "<path or argument>: <what>"; `hint`, if any, is one line on what to do.
  Error(ErrorKind kind, const std::string& message, std::string hint = {});

  /// Message is "<path>: <what>: <strerror>".
  static Error system(ErrorKind kind,
                      std::string_view path,
                      std::string_view what,
                      std::error_code code,
                      std::string hint = {});

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

 private:
  ErrorKind kind_;
  std::string hint_;
};

}  // namespace irqtune
