// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace irqtune::test {

/// Numbers from a seed, the same with every standard library: its distributions differ.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}

  /// low..high
  int number(int low, int high) {
    const auto span = static_cast<std::uint32_t>(high - low + 1);
    return low + static_cast<int>(engine_() % span);
  }

  bool chance(int percent) { return number(1, 100) <= percent; }

  template <typename T>
  const T& one_of(const std::vector<T>& list) {
    return list[static_cast<std::size_t>(number(0, static_cast<int>(list.size()) - 1))];
  }

 private:
  std::mt19937 engine_;
};

}  // namespace irqtune::test
