// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

// How options are declared: what their values may be, with messages that read.

constexpr double kForever = 1e6;  ///< Seconds; eleven days.

/// Of a value that is more likely an unset variable than a wish where it is empty.
[[nodiscard]] CLI::Validator not_empty(const std::string& message = "is empty");

/// As CLI::Range, with a message that reads.
[[nodiscard]] CLI::Validator in_range(double lowest, double highest);

/// The same of whole numbers.
[[nodiscard]] CLI::Validator whole_in_range(std::uint64_t lowest, std::uint64_t highest);

/// As CLI::IsMember, with a message that reads.
[[nodiscard]] CLI::Validator one_of(const std::vector<std::string>& words);

/// As one_of, and each of the words may be in the singular: "vms", "vm".
[[nodiscard]] CLI::Validator one_of_plurals(const std::vector<std::string>& words);

[[nodiscard]] CLI::Validator some_cpus();

/// An option that may be repeated. Each takes one value, so that what follows is not taken for one.
CLI::Option* add_list(CLI::App& app,
                      const std::string& name,
                      std::vector<std::string>& values,
                      const std::string& description);

/// An option that may stand without its value: "--name", or "--name=SECONDS". CLI11's own flags
/// count in whole numbers and set their variable although the option is not given.
template <typename Seconds>
void add_seconds_flag(CLI::App& app,
                      std::string_view name,
                      double alone,
                      Seconds& seconds,
                      const std::string& description) {
  app.add_flag(fmt::format("{}{{{:.0f}}}", name, alone), description)
      ->check(in_range(0.0, kForever))
      ->each([&seconds](const std::string& text) {
        double value = 0;
        CLI::detail::lexical_cast(text, value);
        seconds = value;
      });
}

}  // namespace irqtune
