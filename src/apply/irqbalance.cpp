// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/irqbalance.h"

#include "irqtune/core/text.h"

#include "sys/fd.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace irqtune {

namespace {

constexpr std::string_view kDir = "/run/irqbalance";
constexpr std::string_view kBan = "settings ban irqs ";

/// What its buffer of 500 bytes holds after kBan; since 2025 a copy of 256 with its NUL.
constexpr std::array<std::size_t, 2> kLimits = {482, 254};

std::uint32_t number(IrqNumber irq) {
  return static_cast<std::uint32_t>(irq);
}

/// Connected; an invalid one if nobody listens. No link on the way: a tree leads nowhere else.
Fd connected(const Sysfs& sysfs, const std::string& name) {
  constexpr timeval kPatience{0, 500'000};  // It answers between two rounds.
  const auto path = fmt::format("{}/{}", kDir, name);
  const auto full = (sysfs.root() / path.substr(1)).native();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (sysfs.resolve(path) != path || full.size() >= sizeof(address.sun_path)) {
    return Fd(-1);
  }
  std::ranges::copy(full, std::begin(address.sun_path));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  std::ignore = ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  std::ignore = ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  const void* raw = &address;
  return ::connect(fd.get(), static_cast<const sockaddr*>(raw), sizeof(address)) == 0
             ? std::move(fd)
             : Fd(-1);
}

/// One message with who sends it: irqbalance obeys root alone. Source: unix(7), SCM_CREDENTIALS.
bool sent(const Fd& fd, std::string_view text) {
  std::string copy(text);
  iovec data{copy.data(), copy.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  auto* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_CREDENTIALS;
  head->cmsg_len = CMSG_LEN(sizeof(ucred));
  const ucred self{::getpid(), ::geteuid(), ::getegid()};
  std::memcpy(CMSG_DATA(head), &self, sizeof(self));
  return ::sendmsg(fd.get(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(copy.size());
}

/// All that comes until the other side closes.
std::string received(const Fd& fd) {
  constexpr std::size_t kMost = 1 << 20;
  std::string text;
  std::array<char, 4096> buffer{};
  auto count = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
  for (; count > 0 && text.size() < kMost;
       count = ::recv(fd.get(), buffer.data(), buffer.size(), 0)) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

bool tell(const Sysfs& sysfs, const std::string& socket, const std::string& text) {
  const auto fd = connected(sysfs, socket);
  if (!fd.valid() || !sent(fd, text)) {
    return false;
  }
  std::ignore = received(fd);  // It closes once it has obeyed.
  return true;
}

}  // namespace

std::optional<IrqSet> parse_balance_setup(std::string_view text) {
  const auto parts = words(text);
  if (parts.empty() || parts.front() != "SLEEP") {
    return std::nullopt;
  }
  IrqSet banned;
  for (std::size_t i = 0; i + 1 < parts.size() && parts[i] != "BANNED"; ++i) {
    const auto irq = parts[i] == "IRQ" ? parse_number<std::uint32_t>(parts[i + 1]) : std::nullopt;
    if (irq) {
      banned.insert(IrqNumber{*irq});
    }
  }
  return banned;
}

BanChange change_bans(const IrqSet& had, const IrqSet& wanted, const IrqSet& ours) {
  BanChange change;
  for (const auto irq : had) {
    if (!ours.contains(irq) || wanted.contains(irq)) {
      change.banned.insert(irq);
    }
  }
  for (const auto irq : wanted) {
    change.banned.insert(irq);
    if (ours.contains(irq) || !had.contains(irq)) {
      change.ours.insert(irq);
    }
  }
  return change;
}

std::string ban_text(const IrqSet& banned, const IrqSet& first, std::size_t limit) {
  std::string list;
  const auto add = [&](IrqNumber irq) {
    const auto word = fmt::format("{}{}", list.empty() ? "" : " ", number(irq));
    if (list.size() + word.size() <= limit) {
      list += word;
    }
  };
  std::ranges::for_each(banned, [&](IrqNumber irq) {
    if (first.contains(irq)) {
      add(irq);
    }
  });
  std::ranges::for_each(banned, [&](IrqNumber irq) {
    if (!first.contains(irq)) {
      add(irq);
    }
  });
  return fmt::format("{}{}", kBan, list.empty() ? "NONE" : list);
}

std::vector<std::string> balance_sockets(const Sysfs& sysfs) {
  auto names = sysfs.list(kDir);
  std::erase_if(names, [](const std::string& name) {
    return !name.starts_with("irqbalance") || !name.ends_with(".sock");
  });
  return names;
}

bool listens(const Sysfs& sysfs, const std::string& socket) {
  return connected(sysfs, socket).valid();
}

std::optional<IrqSet> read_bans(const Sysfs& sysfs, const std::string& socket) {
  const auto fd = connected(sysfs, socket);
  return fd.valid() && sent(fd, "setup") ? parse_balance_setup(received(fd)) : std::nullopt;
}

std::optional<Bans> set_bans(const Sysfs& sysfs,
                             const std::string& socket,
                             const IrqSet& banned,
                             const IrqSet& first) {
  std::optional<Bans> result;
  for (const auto limit : kLimits) {
    const auto text = ban_text(banned, first, limit);
    const auto now = tell(sysfs, socket, text) ? read_bans(sysfs, socket) : std::optional<IrqSet>();
    if (!now) {
      return result;
    }
    const auto told = static_cast<std::size_t>(std::ranges::count(text, ' ')) - 2;
    const auto left_out = banned.empty() ? 0 : banned.size() - std::min(banned.size(), told);
    result = Bans{*now, left_out};
    const bool whole = now->size() >= (banned.empty() ? 0 : told);
    if (whole && std::ranges::includes(banned, *now)) {
      return result;
    }
  }
  return result;
}

void release_bans(const Sysfs& sysfs, const IrqSet& ours) {
  for (const auto& socket : ours.empty() ? std::vector<std::string>{} : balance_sockets(sysfs)) {
    const auto had = read_bans(sysfs, socket);
    const auto change = had ? change_bans(*had, {}, ours) : BanChange{};
    if (had && change.banned != *had) {
      std::ignore = set_bans(sysfs, socket, change.banned, change.banned);
    }
  }
}

}  // namespace irqtune
