// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/settle.h"

#include "support/catch.h"
#include "support/hosts/vfio_tree.h"

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

Awaited guest_devices() {
  return {{test::vfio_device()}, {}};
}

bool is_stable(const test::VfioTree& tree,
               const std::function<Awaited()>& look,
               const SettleOptions& options) {
  return wait_until_stable(tree.sysfs(), look, options).state == SettleState::stable;
}

}  // namespace

TEST_CASE("settle: vectors that stay are stable after that long", "[apply]") {
  const test::VfioTree tree(2);
  milliseconds now{0};
  CHECK(is_stable(tree, guest_devices, simulated(now, [] {})));
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
  CHECK(is_stable(tree, guest_devices, options));
  CHECK(now >= milliseconds{4600 + 1900});
  CHECK(now <= milliseconds{4600 + 2200});
}

TEST_CASE("settle: a device that came meanwhile is waited for, too", "[apply]") {
  const test::VfioTree tree(1);
  milliseconds now{0};
  const auto devices = [&] { return now >= milliseconds{500} ? guest_devices() : Awaited{}; };
  CHECK(is_stable(tree, devices, simulated(now, [] {})));
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
  CHECK(is_stable(tree, guest_devices, options));
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
    CHECK_FALSE(is_stable(tree, guest_devices, options));
    CHECK(now == milliseconds{60000});
    CHECK(shown > 100);
  }
  SECTION("until a signal comes") {
    options.interrupted = [&] { return now >= milliseconds{1000}; };
    CHECK_FALSE(is_stable(tree, guest_devices, options));
    CHECK(now <= milliseconds{1200});
  }
}

TEST_CASE("settle: nothing there yet is not stable while something is missing", "[apply]") {
  test::VfioTree tree(0);
  milliseconds now{0};
  const auto look = [&]() -> Awaited {
    const bool booted = !tree.sysfs().list("/sys/bus/pci/devices/0000:3b:00.0/msi_irqs").empty();
    return {{test::vfio_device()},
            booted ? std::vector<std::string>{} : std::vector<std::string>{"vm1: not booted"}};
  };
  SECTION("its guest boots after 18 s") {
    bool booted = false;
    const auto options = simulated(now, [&] {
      if (now >= milliseconds{18000} && !booted) {
        booted = true;
        tree.add_vector(30, 0);
      }
    });
    CHECK(is_stable(tree, look, options));
    CHECK(now >= milliseconds{20000});
    CHECK(now <= milliseconds{22200});
  }
  SECTION("it never does") {
    const auto settled = wait_until_stable(tree.sysfs(), look, simulated(now, [] {}));
    CHECK(settled.state == SettleState::timed_out);
    CHECK(settled.missing == std::vector<std::string>{"vm1: not booted"});
    CHECK(now == milliseconds{60000});
  }
  SECTION("without a time to rest the host is not read all the time") {
    int looks = 0;
    const auto counted = [&] {
      ++looks;
      return look();
    };
    auto options = simulated(now, [] {});
    options.stable_for = milliseconds{0};
    options.timeout = milliseconds{5000};
    CHECK_FALSE(is_stable(tree, counted, options));
    CHECK(looks <= 12);
  }
}

TEST_CASE("settle: whose vectors never rest is named", "[apply]") {
  test::VfioTree tree(1);
  milliseconds now{0};
  bool there = true;
  const auto options = simulated(now, [&] {
    there ? tree.remove_irq(30) : tree.add_vector(30, 0);
    there = !there;
  });
  const auto settled = wait_until_stable(tree.sysfs(), guest_devices, options);
  CHECK(settled.state == SettleState::timed_out);
  CHECK(settled.restless == std::vector<PciAddress>{test::vfio_device()});
}

TEST_CASE("settle: a device with INTx, or none at all, has nothing to wait for", "[apply]") {
  const test::VfioTree tree(0);
  milliseconds now{0};
  CHECK(is_stable(tree, guest_devices, simulated(now, [] {})));
}

}  // namespace irqtune
