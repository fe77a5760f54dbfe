// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/sys/sysfs.h"

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

using IrqSet = std::set<IrqNumber>;

/// The interrupts that irqbalance's answer to "setup" names as banned by its options and its
/// socket; empty optional if it is no such answer.
/// Source: irqbalance(1), "API"; irqbalance.c, sock_handle(), 1.5 to 1.9.
[[nodiscard]] std::optional<IrqSet> parse_balance_setup(std::string_view text);

/// What "settings ban irqs" is to say, and what of it is irqtune's.
struct BanChange {
  IrqSet banned;  ///< All: the command replaces what was banned before.
  IrqSet ours;    ///< Of those that irqtune added, and is to take back one day.
};

/// `had`: what is banned now; `wanted`: what irqtune wants banned; `ours`: what it added before.
[[nodiscard]] BanChange change_bans(const IrqSet& had, const IrqSet& wanted, const IrqSet& ours);

/// "settings ban irqs 97 98", of whole numbers and `limit` bytes after "irqs " at most: irqbalance
/// reads no more, and would ban a number that was cut. Those in `first` go first.
[[nodiscard]] std::string ban_text(const IrqSet& banned, const IrqSet& first, std::size_t limit);

/// Names of the sockets in /run/irqbalance, of running and of killed ones.
[[nodiscard]] std::vector<std::string> balance_sockets(const Sysfs& sysfs);

/// What came of a talk with an irqbalance.
struct Bans {
  IrqSet banned;
  std::size_t left_out = 0;  ///< That its buffer had no room for.
};

/// What the irqbalance behind the socket bans; an empty optional if none answers.
[[nodiscard]] std::optional<IrqSet> read_bans(const Sysfs& sysfs, const std::string& socket);

/// True if one is there, whether it answers at the moment or not.
[[nodiscard]] bool listens(const Sysfs& sysfs, const std::string& socket);

/// Makes it ban `banned`, and nothing else, and reads back what it does ban. Those in `first` come
/// first where not all find room.
[[nodiscard]] std::optional<Bans> set_bans(const Sysfs& sysfs,
                                           const std::string& socket,
                                           const IrqSet& banned,
                                           const IrqSet& first);

/// Takes back what irqtune added, in every running irqbalance.
void release_bans(const Sysfs& sysfs, const IrqSet& ours);

}  // namespace irqtune
