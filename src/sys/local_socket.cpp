// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/local_socket.h"

#include "sys/fd.h"

#include <array>
#include <cstddef>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace irqtune {

namespace {

constexpr std::size_t kLongestAnswer = std::size_t{1} << 20;
constexpr int kMostReads = 4096;  // One that sends a byte at a time is not waited for.

Fd connected(std::string_view name) {
  sockaddr_un address{};
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || name.empty() || name.size() >= sizeof(address.sun_path)) {
    return Fd(-1);
  }
  const timeval wait{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  address.sun_family = AF_UNIX;
  std::memcpy(&address.sun_path, name.data(), name.size());
  if (name.front() == '@') {
    address.sun_path[0] = '\0';
  }
  const auto size = offsetof(sockaddr_un, sun_path) + name.size();
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what connect(2) takes
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  const bool there = ::connect(fd.get(), to, static_cast<socklen_t>(size)) == 0;
  return there ? std::move(fd) : Fd(-1);
}

bool is_peer(const Fd& fd, int pid) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == pid;
}

}  // namespace

std::optional<std::string> ask_socket(std::string_view name, std::string_view request, int pid) {
  const auto fd = connected(name);
  const bool sent = fd.valid() && is_peer(fd, pid) &&
                    ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
                        static_cast<ssize_t>(request.size());
  if (!sent) {
    return std::nullopt;
  }
  std::string answer;
  std::array<char, 4096> piece{};
  for (int reads = 0; reads < kMostReads && answer.size() <= kLongestAnswer; ++reads) {
    const auto size = ::recv(fd.get(), piece.data(), piece.size(), 0);
    if (size <= 0) {
      return size == 0 ? std::optional(std::move(answer)) : std::nullopt;
    }
    answer.append(piece.data(), static_cast<std::size_t>(size));
  }
  return std::nullopt;
}

}  // namespace irqtune
