// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/utc.h"

#include <array>
#include <ctime>

namespace irqtune {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::array<char, 32> text{};
  ::gmtime_r(&now, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace irqtune
