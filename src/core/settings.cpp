// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/settings.h"

#include "irqtune/core/text.h"

#include <algorithm>
#include <cctype>

namespace irqtune {

const KernelParameter* find_parameter(const Settings& settings, std::string_view name) noexcept {
  const KernelParameter* found = nullptr;
  for (const auto& parameter : settings.kernel) {
    found = parameter.name == name ? &parameter : found;
  }
  return found;
}

CpuSet parameter_cpus(std::string_view value) {
  while (!value.empty()) {
    const bool flag = std::isalpha(static_cast<unsigned char>(value.front())) != 0;
    if (!flag) {
      return CpuSet::parse_list(value).value_or(CpuSet{});
    }
    static_cast<void>(take_until(value, ','));
  }
  return {};
}

bool has_word(std::string_view value, std::string_view word) {
  return std::ranges::any_of(split(value, ','),
                             [&](std::string_view part) { return part == word; });
}

}  // namespace irqtune
