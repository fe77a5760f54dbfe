// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/clock.h"

#include <thread>

namespace irqtune {

std::chrono::microseconds steady_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

void rest_for(std::chrono::microseconds pause) {
  std::this_thread::sleep_for(pause);
}

}  // namespace irqtune
