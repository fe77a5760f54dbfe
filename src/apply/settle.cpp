// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/settle.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <thread>

namespace irqtune {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kInterval{200};

struct Clock {
  std::function<milliseconds()> now;
  std::function<void(milliseconds)> sleep;
};

Clock clock_of(const SettleOptions& options) {
  if (options.now && options.sleep) {
    return {options.now, options.sleep};
  }
  return {[] {
            return std::chrono::duration_cast<milliseconds>(
                std::chrono::steady_clock::now().time_since_epoch());
          },
          [](milliseconds pause) { std::this_thread::sleep_for(pause); }};
}

/// Numbers and kinds of all vectors, as one text to compare.
std::string vectors_text(const Sysfs& sysfs, const std::vector<PciAddress>& devices) {
  std::string text;
  for (const auto& device : devices) {
    const auto dir = fmt::format("/sys/bus/pci/devices/{}/msi_irqs", device.to_string());
    text += dir + ':';
    for (const auto& number : sysfs.list(dir)) {
      text +=
          fmt::format(" {}={}", number, sysfs.read(fmt::format("{}/{}", dir, number)).value_or(""));
    }
    text += '\n';
  }
  return text;
}

}  // namespace

bool wait_until_stable(const Sysfs& sysfs,
                       const std::function<std::vector<PciAddress>()>& devices,
                       const SettleOptions& options) {
  const auto clock = clock_of(options);
  const auto start = clock.now();
  auto changed = start;
  auto list = devices();
  auto last = vectors_text(sysfs, list);
  while (true) {
    const auto now = clock.now();
    if (now - changed >= options.stable_for) {
      auto other = devices();  // Not each time: that reads the whole host.
      if (other == list) {
        return true;
      }
      list = std::move(other);
      last = vectors_text(sysfs, list);
      changed = clock.now();
      continue;
    }
    if (now - start >= options.timeout || (options.interrupted && options.interrupted())) {
      return false;
    }
    clock.sleep(std::min(
        {kInterval, options.stable_for - (now - changed), options.timeout - (now - start)}));
    auto next = vectors_text(sysfs, list);
    if (next != last) {
      last = std::move(next);
      changed = clock.now();
    }
    if (options.on_wait) {
      options.on_wait(clock.now() - start);
    }
  }
}

}  // namespace irqtune
