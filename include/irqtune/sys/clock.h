// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>

namespace irqtune {

/// Time since an arbitrary start; never steps back.
[[nodiscard]] std::chrono::microseconds steady_now();

/// Lets the thread rest for so long.
void rest_for(std::chrono::microseconds pause);

/// What every wait goes by. Tests give one of their own, and wait for nothing.
struct Clock {
  std::function<std::chrono::microseconds()> now = steady_now;
  std::function<void(std::chrono::microseconds)> sleep = rest_for;
};

}  // namespace irqtune
