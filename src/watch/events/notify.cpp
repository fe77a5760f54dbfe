// SPDX-License-Identifier: Apache-2.0
#include "watch/events/notify.h"

#include "irqtune/core/text.h"

#include "sys/fd.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>

namespace irqtune {

Notifier::Notifier(std::string socket_path) : path_(std::move(socket_path)) {}

void Notifier::send(std::string_view message) const {
  sockaddr_un address{};
  if (path_.empty() || path_.size() >= sizeof(address.sun_path)) {
    return;
  }
  address.sun_family = AF_UNIX;
  std::memcpy(&address.sun_path, path_.data(), path_.size());
  if (path_.front() == '@') {
    address.sun_path[0] = '\0';
  }
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto size = offsetof(sockaddr_un, sun_path) + path_.size();
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what sendto(2) takes
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  std::ignore = ::sendto(
      fd.get(), message.data(), message.size(), MSG_NOSIGNAL, to, static_cast<socklen_t>(size));
}

std::optional<std::chrono::milliseconds> watchdog_interval(std::string_view usec,
                                                           std::string_view pid,
                                                           int own_pid) {
  const auto micros = parse_number<std::uint64_t>(usec);
  const auto whose = parse_number<int>(pid);
  if (!micros || *micros == 0 || (whose && *whose != own_pid)) {
    return std::nullopt;
  }
  constexpr std::uint64_t kHalfMilli = 2000;
  constexpr std::uint64_t kLongest = 3'600'000;
  return std::chrono::milliseconds(std::clamp<std::uint64_t>(*micros / kHalfMilli, 1, kLongest));
}

}  // namespace irqtune
