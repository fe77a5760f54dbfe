// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "crash/trace.h"

namespace irqtune::test {

/// What is done to one run of the program, at which of its calls.
struct Fault {
  std::string command;   ///< "apply" or "rollback"
  std::uint64_t at = 0;  ///< Index of the call; with `ordinal`, among those that change something.
  Action action;
  bool sticky = false;  ///< Also at every later call of that number: the disk stays full.
  bool ordinal = false;
  std::uint64_t number = 0;  ///< The system call's; 0 if not known beforehand.

  [[nodiscard]] std::string text() const;
};

/// Runs of the program one after the other, each with its fault.
struct Case {
  std::vector<Fault> faults;

  [[nodiscard]] std::string text() const;
};

/// A system call that can change something, by which the cases are chosen.
[[nodiscard]] bool changes_something(const Call& call);

/// True if the journal is on disk (file, its name, its directory) before the first mask is written:
/// what a loss of power, unlike SIGKILL, would tell.
[[nodiscard]] bool journal_goes_first(const std::vector<Call>& calls);

/// Every case of one fault that there is for the calls of one command, in random order: those at
/// calls that change something first.
[[nodiscard]] std::vector<Case> single_cases(const std::string& command,
                                             const std::vector<Call>& calls,
                                             std::mt19937& random);

/// An apply that is killed, and what comes after it killed or starved, too: a rollback, or a second
/// apply, which leaves two interrupted journals. `calls` are those of an undisturbed apply.
[[nodiscard]] Case double_case(const std::vector<Call>& calls, std::mt19937& random);

}  // namespace irqtune::test
