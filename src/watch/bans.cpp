// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/irqbalance.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "watch/watcher.h"

namespace irqtune {

/// The vectors that are there; none once it ends, or where it is not to ban any.
IrqSet Watcher::to_be_banned() const {
  if (!settings_.ban || stopping_) {
    return {};
  }
  IrqSet irqs;
  for (const auto& [vector, place] : places_) {
    if (place.there) {
      irqs.insert(place.irq);
    }
  }
  return irqs;
}

/// Has every running irqbalance leave the vectors alone, in union with what it had banned; takes
/// back what is not wanted any more, and only what irqtune had added.
void Watcher::ban() {
  bans_due_ = false;
  const auto wanted = to_be_banned();
  if (wanted.empty() && keeper_.banned().empty()) {
    return;
  }
  sockets_ = balance_sockets(sysfs_);
  IrqSet ours;
  try {
    for (const auto& socket : sockets_) {
      ban_in(socket, wanted, ours);
    }
    keeper_.note_banned(ours);    // Without an irqbalance there is nothing: its bans went with it.
  } catch (const Error& error) {  // What cannot be journalled is not banned.
    if (warned_.insert(error.what()).second) {
      options_.warn(error.what());
    }
  }
}

void Watcher::ban_in(const std::string& socket, const IrqSet& wanted, IrqSet& ours) {
  const auto had = read_bans(sysfs_, socket);
  if (!had) {
    if (listens(sysfs_, socket)) {  // It may hold them still.
      ours.insert(keeper_.banned().begin(), keeper_.banned().end());
    }
    return;
  }
  const auto change = change_bans(*had, wanted, keeper_.banned());
  ours.insert(change.ours.begin(), change.ours.end());
  if (change.banned == *had) {
    return;
  }
  auto noted = keeper_.banned();  // All that may be banned at any instant from now on.
  noted.insert(change.ours.begin(), change.ours.end());
  keeper_.note_banned(noted);
  IrqSet others;
  std::ranges::set_difference(change.banned, change.ours, std::inserter(others, others.end()));
  const auto result = set_bans(sysfs_, socket, change.banned, others);
  if (!result) {
    return;
  }
  const auto left_out = result->left_out;
  options_.log(fmt::format("irqbalance leaves {} alone", counted(result->banned.size(), "IRQ")));
  if (left_out > 0 && warned_.insert("bans left out").second) {
    options_.warn(
        fmt::format("irqbalance reads a list of at most 482 characters from its socket: {} of {} "
                    "interrupts find no room; ban those by a policy script (`irqtune diagnose`)",
                    left_out,
                    change.banned.size()));
  }
}

}  // namespace irqtune
