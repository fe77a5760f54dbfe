// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace irqtune::test {

/// How many seeds a property is tried with: IRQTUNE_SEEDS in the environment, else `usual`; where
/// each takes several times as long, a part of many.
inline std::uint32_t seed_count(std::uint32_t usual) {
  const char* text = std::getenv("IRQTUNE_SEEDS");  // NOLINT(concurrency-mt-unsafe): one thread
#ifdef __SANITIZE_ADDRESS__
  usual = usual >= 100 ? usual / 5 : usual;
#endif
  return text != nullptr ? static_cast<std::uint32_t>(std::stoul(text)) : usual;
}

}  // namespace irqtune::test
