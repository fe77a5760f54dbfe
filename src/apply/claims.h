// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/change.h"

#include "apply/journal/journal.h"

#include <map>
#include <optional>
#include <string>

namespace irqtune {

/// The same for two writes of the same mask: of one vector, one host interrupt, or the default.
[[nodiscard]] std::string write_key(const Write& write);

/// True unless the write was put back, its interrupt was gone then, or it is known to have been
/// refused.
[[nodiscard]] bool may_stand(const JournalWrite& write) noexcept;

/// True if the journal may have set masks of this root in this boot that are not put back.
[[nodiscard]] bool is_owed(const JournalText& journal, const Session& session);

/// The same of a journal that cannot be read to its end, or at all.
[[nodiscard]] bool may_be_owed(const JournalText& journal, const Session& session);

/// True for one that is rolled back. Lines that cannot be read change nothing about that: a
/// rollback by force has told of them.
[[nodiscard]] bool is_closed(const JournalText& journal) noexcept;

/// Which journals set which masks last, of those that are not rolled back. Filled from the newest
/// journal to the oldest.
class Claims {
 public:
  /// The writes of a journal that may stand.
  void add(const JournalText& journal);

  void add(const Write& write, const std::string& id);

  /// The id of the newest journal that has set the mask; empty optional if there is none.
  [[nodiscard]] std::optional<std::string> holder(const Write& write) const;

 private:
  std::map<std::string, std::string> ids_;  // By write_key().
};

}  // namespace irqtune
