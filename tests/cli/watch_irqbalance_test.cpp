// SPDX-License-Identifier: Apache-2.0
// A watch beside an irqbalance that listens.
#include "support/catch.h"
#include "support/fake_irqbalance.h"
#include "support/run_on.h"
#include "support/watching.h"

#include <csignal>
#include <memory>

namespace irqtune::test {

namespace {

constexpr auto kOther = IrqNumber{5};  ///< By irqbalance's own options.

IrqSet vectors_of(const RebootingHost& host) {
  IrqSet irqs;
  for (const auto& [irq, mask] : host.masks()) {
    irqs.insert(IrqNumber{irq});
  }
  return irqs;
}

IrqSet with_other(IrqSet irqs) {
  irqs.insert(kOther);
  return irqs;
}

}  // namespace

TEST_CASE("watch: --irqbalance=ban adds its vectors, and the end takes them back", "[watch][cli]") {
  RebootingHost host;
  const FakeIrqbalance balance(host, {kOther});
  Watching watch(host, {"--irqbalance=ban"});
  CHECK(comes([&] { return balance.banned() == with_other(vectors_of(host)); }));
  CHECK(watch.says("irqbalance leaves"));
  CHECK(watch.end() == 0);
  CHECK(balance.banned() == IrqSet{kOther});
}

TEST_CASE("watch: it warns only, unless it is told to ban", "[watch][cli]") {
  RebootingHost host;
  const FakeIrqbalance balance(host, {kOther});
  Watching watch(host);
  static_cast<void>(placed(host));
  CHECK(watch.end() == 0);
  CHECK(balance.banned() == IrqSet{kOther});
}

TEST_CASE("watch: an irqbalance that restarts is told again", "[watch][cli]") {
  RebootingHost host;
  auto balance = std::make_unique<FakeIrqbalance>(host);
  Watching watch(host, {"--irqbalance=ban"});
  CHECK(comes([&] { return balance->banned() == vectors_of(host); }));
  balance.reset();
  balance = std::make_unique<FakeIrqbalance>(host, IrqSet{kOther});
  CHECK(comes([&] { return balance->banned() == with_other(vectors_of(host)); }));
  CHECK(watch.end() == 0);
  CHECK(balance->banned() == IrqSet{kOther});
}

TEST_CASE("watch: what one that crashed had banned is taken back", "[watch][cli]") {
  RebootingHost host;
  const FakeIrqbalance balance(host, {kOther});
  {
    Watching watch(host, {"--irqbalance=ban"});
    static_cast<void>(placed(host));
    CHECK(comes([&] { return balance.banned() == with_other(vectors_of(host)); }));
    CHECK(watch.end(SIGKILL) == -1);
  }
  SECTION("by the next watch") {
    Watching next(host);
    CHECK(comes([&] { return balance.banned() == IrqSet{kOther}; }));
    CHECK(next.end() == 0);
  }
  SECTION("by a next one that bans as well, at its end") {
    Watching next(host, {"--irqbalance=ban"});
    static_cast<void>(placed(host));
    CHECK(next.says("takes over"));
    CHECK(next.end() == 0);
    CHECK(balance.banned() == IrqSet{kOther});
  }
  SECTION("by rollback") {
    CHECK(on(host, {"rollback"}).code == 0);
    CHECK(balance.banned() == IrqSet{kOther});
  }
}

}  // namespace irqtune::test
