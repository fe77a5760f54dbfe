// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/signals.h"

#include "support/catch.h"

#include <csignal>

namespace irqtune {

TEST_CASE("signals: noted while the guard lives, and as before after it", "[apply]") {
  // Under nohup it is ignored, and stays so.
  std::signal(SIGHUP, SIG_DFL);

  struct sigaction before {};

  REQUIRE(::sigaction(SIGTERM, nullptr, &before) == 0);
  {
    const SignalGuard guard;
    CHECK_FALSE(SignalGuard::interrupted());
    REQUIRE(::raise(SIGXFSZ) == 0);
    CHECK_FALSE(SignalGuard::interrupted());
    REQUIRE(::raise(GENERATE(SIGINT, SIGTERM, SIGHUP, SIGPIPE)) == 0);
    CHECK(SignalGuard::interrupted());
  }
  CHECK_FALSE(SignalGuard::interrupted());

  struct sigaction after {};

  REQUIRE(::sigaction(SIGTERM, nullptr, &after) == 0);
  CHECK(after.sa_handler == before.sa_handler);
}

TEST_CASE("signals: what the caller ignores stays ignored, as under nohup", "[apply]") {
  const int signal = GENERATE(SIGHUP, SIGINT, SIGPIPE);

  struct sigaction ignore {};

  struct sigaction before {};

  ignore.sa_handler = SIG_IGN;
  REQUIRE(::sigaction(signal, &ignore, &before) == 0);
  {
    const SignalGuard guard;
    REQUIRE(::raise(signal) == 0);
    CHECK_FALSE(SignalGuard::interrupted());
  }
  REQUIRE(::sigaction(signal, &before, nullptr) == 0);
}

}  // namespace irqtune
