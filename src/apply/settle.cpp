// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/settle.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace irqtune {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kInterval{200};
constexpr milliseconds kLookAgain{500};  // Looking takes reading the whole host.

/// Numbers and kinds of all vectors of a device, as one text to compare.
std::string vectors_text(const Sysfs& sysfs, const PciAddress& device) {
  const auto dir = fmt::format("/sys/bus/pci/devices/{}/msi_irqs", device.to_string());
  std::string text;
  for (const auto& number : sysfs.list(dir)) {
    text +=
        fmt::format(" {}={}", number, sysfs.read(fmt::format("{}/{}", dir, number)).value_or(""));
  }
  return text;
}

/// The vectors of devices, and whether they are still the same.
class Watch {
 public:
  Watch(const Sysfs& sysfs, const std::function<Awaited()>& look)
      : sysfs_(sysfs), look_(look), awaited_(look()), texts_(texts()) {}

  bool has_changed() {
    const auto last = std::exchange(texts_, texts());
    if (texts_ == last) {
      return false;
    }
    restless_.clear();
    for (const auto& [device, text] : texts_) {
      const auto found = last.find(device);
      if (found == last.end() || found->second != text) {
        restless_.push_back(device);
      }
    }
    return true;
  }

  /// The same of the list of devices. Finds what is missing, too.
  bool has_other_devices() {
    auto last = std::exchange(awaited_, look_());
    if (awaited_.devices == last.devices) {
      return false;
    }
    texts_ = texts();
    return true;
  }

  [[nodiscard]] const std::vector<std::string>& missing() const noexcept {
    return awaited_.missing;
  }

  [[nodiscard]] const std::vector<PciAddress>& restless() const noexcept { return restless_; }

 private:
  using Texts = std::map<PciAddress, std::string>;

  [[nodiscard]] Texts texts() const {
    Texts all;
    for (const auto& device : awaited_.devices) {
      all.emplace(device, vectors_text(sysfs_, device));
    }
    return all;
  }

  const Sysfs& sysfs_;
  const std::function<Awaited()>& look_;
  Awaited awaited_;
  Texts texts_;
  std::vector<PciAddress> restless_;
};

/// How long nothing must change before the host is looked at: what is missing cannot be seen
/// otherwise.
milliseconds rest_of(const Watch& watch, const SettleOptions& options) {
  return watch.missing().empty() ? options.stable_for : std::max(options.stable_for, kLookAgain);
}

}  // namespace

Settled wait_until_stable(const Sysfs& sysfs,
                          const std::function<Awaited()>& look,
                          const SettleOptions& options) {
  const auto& clock = options.clock;
  const auto start = clock.now();
  Watch watch(sysfs, look);
  auto changed = clock.now();
  while (true) {
    auto now = clock.now();
    const bool rests = now - changed >= rest_of(watch, options);
    if (rests && !watch.has_other_devices() && !watch.has_changed() && watch.missing().empty()) {
      return {};
    }
    now = rests ? clock.now() : now;
    changed = rests ? now : changed;
    if (options.interrupted && options.interrupted()) {
      return {SettleState::interrupted, {}, {}};
    }
    if (now - start >= options.timeout) {
      return {SettleState::timed_out, watch.missing(), watch.restless()};
    }
    clock.sleep(std::min<microseconds>(
        {kInterval, rest_of(watch, options) - (now - changed), options.timeout - (now - start)}));
    changed = watch.has_changed() ? clock.now() : changed;
    if (options.on_wait) {
      options.on_wait(std::chrono::duration_cast<milliseconds>(clock.now() - start));
    }
  }
}

}  // namespace irqtune
