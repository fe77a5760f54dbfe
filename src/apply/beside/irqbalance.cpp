// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/irqbalance.h"

#include "irqtune/apply/watch_status.h"
#include "irqtune/core/text.h"
#include "irqtune/sys/local_socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace irqtune {

namespace {

constexpr std::string_view kDir = "/run/irqbalance";
constexpr std::string_view kPrefix = "irqbalance";
constexpr std::string_view kSuffix = ".sock";
constexpr std::string_view kBan = "settings ban irqs ";

/// What its buffer of 500 bytes holds after kBan; since 2025 a copy of 256 with its NUL.
constexpr std::array<std::size_t, 2> kLimits = {482, 254};

std::uint32_t number(IrqNumber irq) {
  return static_cast<std::uint32_t>(irq);
}

/// Of "irqbalance812.sock".
std::optional<int> pid_of(std::string_view socket) {
  socket.remove_prefix(std::min(socket.size(), kPrefix.size()));
  socket.remove_suffix(std::min(socket.size(), kSuffix.size()));
  return parse_number<int>(socket);
}

/// What it answers; an empty optional if it does not. No link on the way: a tree leads nowhere
/// else.
std::optional<std::string> answer_of(const Sysfs& sysfs,
                                     const std::string& socket,
                                     std::string_view request) {
  const auto path = fmt::format("{}/{}", kDir, socket);
  const auto pid = pid_of(socket);
  if (!pid || sysfs.resolve(path) != path) {
    return std::nullopt;
  }
  return ask_socket((sysfs.root() / path.substr(1)).native(), request, *pid);
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
    return !name.starts_with(kPrefix) || !name.ends_with(kSuffix);
  });
  return names;
}

bool listens(const Sysfs& sysfs, const std::string& socket) {
  const auto pid = pid_of(socket);
  return pid && sysfs.exists(fmt::format("{}/{}", kDir, socket)) &&
         process_started(Sysfs("/"), *pid).has_value();
}

std::optional<IrqSet> read_bans(const Sysfs& sysfs, const std::string& socket) {
  const auto answer = answer_of(sysfs, socket, "setup");
  return answer ? parse_balance_setup(*answer) : std::nullopt;
}

std::optional<Bans> set_bans(const Sysfs& sysfs,
                             const std::string& socket,
                             const IrqSet& banned,
                             const IrqSet& first) {
  std::optional<Bans> result;
  for (const auto limit : kLimits) {
    const auto text = ban_text(banned, first, limit);
    const auto now =
        answer_of(sysfs, socket, text) ? read_bans(sysfs, socket) : std::optional<IrqSet>();
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
