// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/settle.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace irqtune {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kInterval{200};

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

/// The vectors of devices, and whether they are still the same.
class Watch {
 public:
  Watch(const Sysfs& sysfs, const std::function<std::vector<PciAddress>()>& devices)
      : sysfs_(sysfs), devices_(devices), list_(devices()), text_(vectors_text(sysfs, list_)) {}

  bool has_changed() {
    const auto last = std::exchange(text_, vectors_text(sysfs_, list_));
    return text_ != last;
  }

  /// The same of the list of devices, which takes reading the whole host.
  bool has_other_devices() {
    auto list = devices_();
    if (list == list_) {
      return false;
    }
    list_ = std::move(list);
    text_ = vectors_text(sysfs_, list_);
    return true;
  }

 private:
  const Sysfs& sysfs_;
  const std::function<std::vector<PciAddress>()>& devices_;
  std::vector<PciAddress> list_;
  std::string text_;
};

}  // namespace

bool wait_until_stable(const Sysfs& sysfs,
                       const std::function<std::vector<PciAddress>()>& devices,
                       const SettleOptions& options) {
  const auto& clock = options.clock;
  const auto start = clock.now();
  Watch watch(sysfs, devices);
  auto changed = clock.now();
  while (true) {
    auto now = clock.now();
    const bool rests = now - changed >= options.stable_for;
    if (rests && !watch.has_other_devices() && !watch.has_changed()) {
      return true;
    }
    now = rests ? clock.now() : now;
    changed = rests ? now : changed;
    if (now - start >= options.timeout || (options.interrupted && options.interrupted())) {
      return false;
    }
    clock.sleep(std::min<microseconds>(
        {kInterval, options.stable_for - (now - changed), options.timeout - (now - start)}));
    changed = watch.has_changed() ? clock.now() : changed;
    if (options.on_wait) {
      options.on_wait(std::chrono::duration_cast<milliseconds>(clock.now() - start));
    }
  }
}

}  // namespace irqtune
