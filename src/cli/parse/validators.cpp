// SPDX-License-Identifier: Apache-2.0
#include "cli/parse/validators.h"

#include "irqtune/core/text.h"

#include <algorithm>

namespace irqtune {

CLI::Validator not_empty(const std::string& message) {
  const auto check = [message](const std::string& text) {
    return trimmed(text).empty() ? message : std::string{};
  };
  return {check, ""};
}

CLI::Validator in_range(double lowest, double highest) {
  const auto check = [lowest, highest](const std::string& text) {
    double value = 0;
    return CLI::detail::lexical_cast(text, value) && value >= lowest && value <= highest
               ? std::string{}
               : fmt::format("{}: not a number from {} to {}", printable(text), lowest, highest);
  };
  return {check, ""};
}

CLI::Validator whole_in_range(std::uint64_t lowest, std::uint64_t highest) {
  const auto check = [lowest, highest](const std::string& text) {
    const auto value = parse_number<std::uint64_t>(text);
    return value && *value >= lowest && *value <= highest
               ? std::string{}
               : fmt::format("{}: not a number from {} to {}", printable(text), lowest, highest);
  };
  return {check, ""};
}

CLI::Validator one_of(const std::vector<std::string>& words) {
  const auto check = [words](const std::string& text) {
    return std::ranges::find(words, text) != words.end()
               ? std::string{}
               : fmt::format("{}: none of {}", printable(text), fmt::join(words, ", "));
  };
  return {check, ""};
}

CLI::Validator some_cpus() {
  return not_empty("is empty, no CPU list like 0-3,8");
}

CLI::Validator one_of_plurals(const std::vector<std::string>& words) {
  const auto check = [words, whole = one_of(words)](std::string& text) {
    const auto plural = text + 's';
    if (std::ranges::find(words, plural) != words.end()) {
      text = plural;
    }
    return whole(text);
  };
  return {check, ""};
}

CLI::Option* add_list(CLI::App& app,
                      const std::string& name,
                      std::vector<std::string>& values,
                      const std::string& description) {
  return app.add_option(name, values, description)->allow_extra_args(false);
}

}  // namespace irqtune
