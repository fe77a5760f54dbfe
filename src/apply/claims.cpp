// SPDX-License-Identifier: Apache-2.0
#include "apply/claims.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace irqtune {

std::string write_key(const Write& write) {
  if (!write.identity) {
    return "default";
  }
  const auto& identity = *write.identity;
  return identity.vector ? identity.vector->to_string()
                         : fmt::format("{} {}",
                                       static_cast<std::uint32_t>(identity.irq),
                                       fmt::join(identity.actions, ","));
}

bool may_stand(const JournalWrite& write) noexcept {
  // The kernel took nothing.
  const bool left = write.state == WriteState::posted || write.state == WriteState::managed;
  const bool refused = !write.written && write.state && (left || !is_success(*write.state));
  return !write.undone && !write.vanished && !refused;
}

bool is_closed(const JournalText& journal) noexcept {
  return journal.state == JournalState::rolled_back;
}

bool may_be_owed(const JournalText& journal, const Session& session) {
  return journal.newer || journal.root.empty() || is_owed(journal, session);
}

bool is_owed(const JournalText& journal, const Session& session) {
  return !is_closed(journal) && !journal.newer && journal.root == session.root &&
         same_boot(journal, session);
}

void Claims::add(const JournalText& journal) {
  for (const auto& [number, write] : journal.writes) {
    if (may_stand(write)) {
      add(write.write, journal.id);
    }
  }
}

void Claims::add(const Write& write, const std::string& id) {
  ids_.try_emplace(write_key(write), id);
}

std::optional<std::string> Claims::holder(const Write& write) const {
  const auto found = ids_.find(write_key(write));
  return found != ids_.end() ? std::optional(found->second) : std::nullopt;
}

}  // namespace irqtune
