// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/settle.h"

#include "support/catch.h"
#include "support/vfio_tree.h"

#include <functional>

namespace irqtune {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// A clock that only moves when someone sleeps, and calls `at` each time.
SettleOptions simulated(milliseconds& now, std::function<void()> at) {
  SettleOptions options;
  options.clock.now = [&now] { return now; };
  options.clock.sleep = [&now, at = std::move(at)](microseconds pause) {
    now += std::chrono::duration_cast<milliseconds>(pause);
    at();
  };
  return options;
}

std::vector<PciAddress> guest_devices() {
  return {test::vfio_device()};
}

}  // namespace

TEST_CASE("settle: vectors that stay are stable after that long", "[apply]") {
  const test::VfioTree tree(2);
  milliseconds now{0};
  CHECK(wait_until_stable(tree.sysfs(), guest_devices, simulated(now, [] {})));
  CHECK(now == milliseconds{2000});
}

TEST_CASE("settle: each change starts the wait anew", "[apply]") {
  test::VfioTree tree(1);
  milliseconds now{0};
  unsigned added = 0;
  const auto options = simulated(now, [&] {
    if (now >= milliseconds{1500} * (added + 1) && added < 3) {
      ++added;
      tree.add_vector(50 + added, added);  // One after another, as QEMU does.
    }
  });
  CHECK(wait_until_stable(tree.sysfs(), guest_devices, options));
  CHECK(now >= milliseconds{4600 + 1900});
  CHECK(now <= milliseconds{4600 + 2200});
}

TEST_CASE("settle: a device that came meanwhile is waited for, too", "[apply]") {
  const test::VfioTree tree(1);
  milliseconds now{0};
  const auto devices = [&] {
    return now >= milliseconds{500} ? guest_devices() : std::vector<PciAddress>{};
  };
  CHECK(wait_until_stable(tree.sysfs(), devices, simulated(now, [] {})));
  CHECK(now == milliseconds{4000});
}

TEST_CASE("settle: the same number as another kind is a change", "[apply]") {
  test::VfioTree tree(1);
  milliseconds now{0};
  const auto options = simulated(now, [&] {
    if (now == milliseconds{1000}) {
      tree.file("/sys/bus/pci/devices/0000:3b:00.0/msi_irqs/30", "msi\n");
    }
  });
  CHECK(wait_until_stable(tree.sysfs(), guest_devices, options));
  CHECK(now == milliseconds{3000});
}

TEST_CASE("settle: vectors that never rest, and an interrupted wait, are not stable", "[apply]") {
  test::VfioTree tree(1);
  milliseconds now{0};
  bool there = true;
  auto options = simulated(now, [&] {
    there ? tree.remove_irq(30) : tree.add_vector(30, 0);
    there = !there;
  });
  int shown = 0;
  options.on_wait = [&](milliseconds) { ++shown; };
  SECTION("until the time is up") {
    CHECK_FALSE(wait_until_stable(tree.sysfs(), guest_devices, options));
    CHECK(now == milliseconds{60000});
    CHECK(shown > 100);
  }
  SECTION("until a signal comes") {
    options.interrupted = [&] { return now >= milliseconds{1000}; };
    CHECK_FALSE(wait_until_stable(tree.sysfs(), guest_devices, options));
    CHECK(now <= milliseconds{1200});
  }
}

TEST_CASE("settle: a device with INTx, or none at all, has nothing to wait for", "[apply]") {
  const test::VfioTree tree(0);
  milliseconds now{0};
  CHECK(wait_until_stable(tree.sysfs(), guest_devices, simulated(now, [] {})));
}

}  // namespace irqtune
