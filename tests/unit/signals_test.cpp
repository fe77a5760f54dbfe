// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/signals.h"

#include "support/catch.h"

#include <csignal>

namespace irqtune {

TEST_CASE("signals: noted while the guard lives, and as before after it", "[apply]") {
  struct sigaction before {};

  REQUIRE(::sigaction(SIGTERM, nullptr, &before) == 0);
  {
    const SignalGuard guard;
    CHECK_FALSE(SignalGuard::interrupted());
    REQUIRE(::raise(SIGPIPE) == 0);
    CHECK_FALSE(SignalGuard::interrupted());
    REQUIRE(::raise(GENERATE(SIGINT, SIGTERM, SIGHUP)) == 0);
    CHECK(SignalGuard::interrupted());
  }
  CHECK_FALSE(SignalGuard::interrupted());

  struct sigaction after {};

  REQUIRE(::sigaction(SIGTERM, nullptr, &after) == 0);
  CHECK(after.sa_handler == before.sa_handler);
}

}  // namespace irqtune
