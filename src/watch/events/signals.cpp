// SPDX-License-Identifier: Apache-2.0
#include "watch/events/signals.h"

#include "irqtune/core/error.h"

#include <cerrno>
#include <system_error>
#include <tuple>

#include <sys/signalfd.h>
#include <unistd.h>

namespace irqtune {

namespace {

sigset_t watched_signals() {
  sigset_t set{};
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    ::sigaddset(&set, signal);
  }
  return set;
}

/// A log that nobody reads any more and a full disk are errors as any other, and no end.
constexpr std::array kIgnored = {SIGPIPE, SIGXFSZ};

int blocked(sigset_t& old) {
  const auto set = watched_signals();
  ::sigprocmask(SIG_BLOCK, &set, &old);  // NOLINT(concurrency-mt-unsafe): there is one thread
  return ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

SignalSource::SignalSource() : fd_(blocked(old_)) {
  if (!fd_.valid()) {
    throw Error::system(
        ErrorKind::host, "signalfd", "cannot open", {errno, std::system_category()});
  }

  struct sigaction ignore {};

  ignore.sa_handler = SIG_IGN;
  for (std::size_t i = 0; i < kIgnored.size(); ++i) {
    std::ignore = ::sigaction(kIgnored.at(i), &ignore, &old_actions_.at(i));
  }
}

SignalSource::~SignalSource() {
  for (std::size_t i = 0; i < kIgnored.size(); ++i) {
    std::ignore = ::sigaction(kIgnored.at(i), &old_actions_.at(i), nullptr);
  }
  ::sigprocmask(SIG_SETMASK, &old_, nullptr);  // NOLINT(concurrency-mt-unsafe)
}

std::optional<int> SignalSource::next() const {
  signalfd_siginfo info{};
  const auto count = ::read(fd_.get(), &info, sizeof(info));
  return count == static_cast<ssize_t>(sizeof(info))
             ? std::optional(static_cast<int>(info.ssi_signo))
             : std::nullopt;
}

}  // namespace irqtune
