// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "apply/claims.h"
#include "apply/journal/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace irqtune {

namespace {

void add_standing(const JournalText& journal, const Claims& newer, std::vector<Write>& writes) {
  for (const auto& [number, write] : journal.writes) {
    const bool done = write.written || (write.state && is_success(*write.state));
    if (!done || !may_stand(write) || newer.holder(write.write)) {
      continue;
    }
    writes.push_back(write.write);
    if (journal.watch && writes.back().identity) {
      // It has set it again in each generation since, or is about to.
      writes.back().identity->generation.reset();
    }
  }
}

void add_managed(const JournalText& journal, std::vector<Identity>& managed) {
  for (const auto& [number, write] : journal.writes) {
    if (write.state == WriteState::managed && write.write.identity) {
      managed.push_back(*write.write.identity);
    }
  }
}

void add_pending(const JournalText& journal, const Claims& newer, std::vector<PendingMove>& moves) {
  for (const auto& [number, write] : journal.writes) {
    if (write.pending_on && may_stand(write) && !newer.holder(write.write)) {
      moves.push_back({write.write, *write.pending_on, write.counted});
    }
  }
}

}  // namespace

bool has_state_dir(const Session& session) {
  std::error_code error;
  return std::filesystem::exists(session.state_dir, error) || error;
}

std::vector<HistoryEntry> history(const Session& session) {
  const JournalDir dir(session, false);
  std::vector<HistoryEntry> entries;
  for (const auto& id : dir.ids()) {
    const auto journal = dir.read(id);
    if (!journal) {
      continue;
    }
    HistoryEntry entry{id,
                       journal->state,
                       journal->started,
                       journal->finished,
                       journal->user,
                       journal->plan_digest,
                       same_boot(*journal, session),
                       journal->writes.size(),
                       0,
                       0,
                       journal->problem,
                       journal->root == session.root ? "" : journal->root};
    for (const auto& [number, write] : journal->writes) {
      entry.done += write.written ? 1U : 0U;
      entry.undone += write.written && write.undone ? 1U : 0U;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::size_t prune_journals(const Session& session, std::size_t keep) {
  const JournalDir dir(session, false);
  const auto ids = dir.ids();
  std::size_t removed = 0;
  for (std::size_t i = keep; i < ids.size(); ++i) {
    const auto journal = dir.read(ids[i]);
    const bool here = journal && !journal->newer && journal->root == session.root;
    if (here && !is_owed(*journal, session)) {
      dir.remove(ids[i]);
      ++removed;
    }
  }
  return removed;
}

std::vector<Write> standing_writes(const Session& session) {
  const JournalDir dir(session, false);
  std::vector<Write> writes;
  Claims newer;
  for (const auto& id : dir.ids()) {
    const auto journal = dir.read(id);
    if (!journal || !is_owed(*journal, session)) {
      continue;
    }
    add_standing(*journal, newer, writes);
    newer.add(*journal);
  }
  return writes;
}

std::vector<PendingMove> pending_moves(const Session& session) {
  const JournalDir dir(session, false);
  std::vector<PendingMove> moves;
  Claims newer;
  for (const auto& id : dir.ids()) {
    const auto journal = dir.read(id);
    if (journal && is_owed(*journal, session)) {
      add_pending(*journal, newer, moves);
      newer.add(*journal);
    }
  }
  return moves;
}

std::string default_options(const Session& session) {
  const JournalDir dir(session, false);
  for (const auto& id : dir.ids()) {
    const auto journal = dir.read(id);
    if (!journal || !is_owed(*journal, session)) {
      continue;
    }
    const bool sets = std::ranges::any_of(journal->writes, [](const auto& entry) {
      return !entry.second.write.identity && may_stand(entry.second);
    });
    if (sets) {
      return journal->options;
    }
  }
  return {};
}

std::vector<Identity> managed_interrupts(const Session& session) {
  const JournalDir dir(session, false);
  std::vector<Identity> managed;
  for (const auto& id : dir.ids()) {
    const auto journal = dir.read(id);
    if (!journal || journal->root != session.root || !same_boot(*journal, session)) {
      continue;
    }
    add_managed(*journal, managed);
  }
  return managed;
}

std::vector<std::string> unread_journals(const Session& session) {
  const JournalDir dir(session, false);
  std::vector<std::string> unread;
  for (const auto& id : dir.ids()) {
    const auto journal = dir.read(id);
    if (journal && !journal->problem.empty() && may_be_owed(*journal, session) &&
        !is_closed(*journal)) {
      unread.push_back(fmt::format("{}: {}", id, journal->problem));
    }
  }
  return unread;
}

}  // namespace irqtune
