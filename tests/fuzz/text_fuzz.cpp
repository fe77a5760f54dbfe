// SPDX-License-Identifier: Apache-2.0
// Text for terminals, globs, the nearest name.
#include "irqtune/core/text.h"

#include "fuzz/fuzz.h"

using irqtune::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rest = irqtune::fuzz::text_of(data, size);
  const auto pattern = irqtune::take_until(rest, '\n');
  const auto plain = irqtune::printable(rest);
  require(irqtune::printable(plain) == plain, "what is printable stays as it is", plain);
  const bool matches = irqtune::matches_glob(pattern, rest);
  if (pattern.find_first_of("*?[") == std::string_view::npos) {
    require(matches == (pattern == rest), "a pattern without wildcards is a text", pattern);
  }
  require(irqtune::matches_glob("*", rest), "a star matches everything", rest);
  const auto names = irqtune::split(rest, ',');
  const std::vector<std::string> list(names.begin(), names.end());
  const auto nearest = irqtune::nearest_name(pattern, list);
  require(nearest.empty() || rest.find(nearest) != std::string_view::npos, "a name is one of them");
  return 0;
}
