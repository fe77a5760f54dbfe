// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/signals.h"

#include <tuple>

namespace irqtune {

namespace {

constexpr std::array kHandled = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};

// A handler can reach nothing but a global of this type.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t signal_came = 0;

extern "C" void note_signal(int /*signal*/) {
  signal_came = 1;
}

}  // namespace

SignalGuard::SignalGuard() {
  static_assert(kHandled.size() == kSignals);
  signal_came = 0;
  for (std::size_t i = 0; i < kHandled.size(); ++i) {
    struct sigaction action {};

    std::ignore = ::sigaction(kHandled[i], nullptr, &old_[i]);
    const bool ignored = kHandled[i] == SIGXFSZ || old_[i].sa_handler == SIG_IGN;
    action.sa_handler = ignored ? SIG_IGN : note_signal;
    std::ignore = ::sigaction(kHandled[i], &action, nullptr);
  }
}

SignalGuard::~SignalGuard() {
  for (std::size_t i = 0; i < kHandled.size(); ++i) {
    std::ignore = ::sigaction(kHandled[i], &old_[i], nullptr);
  }
  signal_came = 0;
}

bool SignalGuard::interrupted() noexcept {
  return signal_came != 0;
}

}  // namespace irqtune
