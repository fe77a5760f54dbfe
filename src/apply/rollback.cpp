// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/core/error.h"

#include "apply/journal.h"
#include "apply/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace irqtune {

namespace {

/// Masks do not outlive the boot. Unknown ids (a tree has none) count as the same: the identity and
/// the mask that was written still have to agree before anything is put back.
bool same_boot(const JournalText& journal, const Session& session) {
  return !journal.boot_id || !session.boot_id || *journal.boot_id == *session.boot_id;
}

/// Why a journal cannot be rolled back; empty if it can.
std::string objection(const JournalText& journal, const Session& session, bool force) {
  if (!journal.problem.empty() && (journal.newer || !force || journal.root.empty())) {
    return journal.problem;
  }
  if (journal.root != session.root) {
    return fmt::format("belongs to the root {}, not {}", journal.root, session.root);
  }
  return {};
}

std::string hint_for(const JournalText& journal, const Session& session) {
  if (journal.newer) {
    return "use the irqtune that wrote it, or a newer one";
  }
  if (!journal.problem.empty()) {
    return "`rollback --force` goes by the lines that can be read";
  }
  return journal.root != session.root ? fmt::format("give --root {}", journal.root) : "";
}

Outcome gone_with_its_boot(const Write& write) {
  return {write,
          write.identity ? write.identity->irq : IrqNumber{},
          WriteState::vanished,
          {},
          "it was written in another boot",
          "the boot took its mask away: there is nothing to put back"};
}

struct Rollback {
  const Kernel& kernel;
  const Session& session;
  const ApplyOptions& options;
  bool dry_run;
};

Restore how_to_restore(const Rollback& rollback) {
  if (rollback.dry_run) {
    return rollback.options.force ? Restore::look_force : Restore::look;
  }
  return rollback.options.force ? Restore::force : Restore::ours;
}

/// Newest first. Ends early if interrupted; the journal then stays open.
void restore_all(const Rollback& rollback,
                 const JournalText& text,
                 Journal* journal,
                 ApplyReport& report) {
  const bool this_boot = same_boot(text, rollback.session);
  for (auto number = text.writes.size(); number-- > 0;) {
    const auto& write = text.writes[number].write;
    if (rollback.options.interrupted && rollback.options.interrupted()) {
      throw Error(ErrorKind::stranded,
                  fmt::format("rollback of {} interrupted: {} masks are left", text.id, number + 1),
                  fmt::format("run `irqtune rollback {}` again", text.id));
    }
    report.outcomes.push_back(this_boot ? restore(rollback.kernel, write, how_to_restore(rollback))
                                        : gone_with_its_boot(write));
    if (journal != nullptr) {
      journal->undone(number, report.outcomes.back());
    }
  }
}

ApplyReport roll_back_one(const Rollback& rollback,
                          const JournalDir& dir,
                          const JournalText& text) {
  ApplyReport report;
  report.id = text.id;
  report.rollback = true;
  if (rollback.dry_run) {
    restore_all(rollback, text, nullptr, report);
    report.state = ApplyState::dry_run;
    return report;
  }
  auto journal = Journal::resume(dir, text);
  journal.begin_rollback(rollback.session, rollback.options.force);
  restore_all(rollback, text, &journal, report);
  const bool whole = std::ranges::all_of(report.outcomes, is_restored) && text.problem.empty();
  journal.finish(whole ? JournalState::rolled_back : JournalState::partial);
  report.state = whole ? ApplyState::rolled_back : ApplyState::partial;
  if (!text.problem.empty()) {
    report.warnings.push_back(fmt::format(
        "{}: {}: only the other lines count", (dir.path() / text.id).native(), text.problem));
  }
  return report;
}

JournalText require_journal(const JournalDir& dir,
                            const std::string& id,
                            const Session& session,
                            bool force) {
  auto journal = dir.read(id);
  if (!journal || !journal_sequence(id)) {
    throw Error(ErrorKind::usage, id + ": no such journal", "`irqtune history` lists them");
  }
  const auto why = objection(*journal, session, force);
  if (!why.empty()) {
    throw Error(ErrorKind::usage, fmt::format("{}: {}", id, why), hint_for(*journal, session));
  }
  return *std::move(journal);
}

/// Journals to roll back, newest first; what is passed over goes into `warnings`.
std::vector<JournalText> select(const RollbackSelection& selection,
                                const JournalDir& dir,
                                const Session& session,
                                bool force,
                                std::vector<std::string>& warnings) {
  if (!selection.id.empty()) {
    return {require_journal(dir, selection.id, session, force)};
  }
  std::vector<JournalText> selected;
  for (const auto& id : dir.ids()) {
    auto journal = dir.read(id);
    if (!journal || (journal->problem.empty() && journal->state == JournalState::rolled_back)) {
      continue;
    }
    const auto why = objection(*journal, session, force);
    if (!why.empty()) {
      warnings.push_back(fmt::format("{}: passed over: {}", id, why));
      continue;
    }
    selected.push_back(*std::move(journal));
    if (!selection.all) {
      break;
    }
  }
  return selected;
}

}  // namespace

std::vector<ApplyReport> roll_back(const RollbackSelection& selection,
                                   const Sysfs& sysfs,
                                   const Session& session,
                                   const ApplyOptions& options) {
  const Kernel kernel(sysfs, options);
  const JournalDir dir(session, false);
  const Rollback rollback{kernel, session, options, selection.dry_run};
  std::vector<std::string> warnings;
  std::vector<ApplyReport> reports;
  for (const auto& journal : select(selection, dir, session, options.force, warnings)) {
    reports.push_back(roll_back_one(rollback, dir, journal));
  }
  if (!warnings.empty()) {
    if (reports.empty()) {
      reports.emplace_back();
    }
    auto& shown = reports.front().warnings;
    shown.insert(shown.begin(), warnings.begin(), warnings.end());
  }
  return reports;
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
                       journal->problem};
    for (const auto& write : journal->writes) {
      entry.done += write.written ? 1U : 0U;
      entry.undone += write.undone ? 1U : 0U;
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
    const bool closed =
        journal && journal->problem.empty() &&
        (journal->state == JournalState::committed || journal->state == JournalState::rolled_back);
    if (closed) {
      dir.remove(ids[i]);
      ++removed;
    }
  }
  return removed;
}

std::vector<Write> committed_writes(const Session& session) {
  const JournalDir dir(session, false);
  std::vector<Write> writes;
  for (const auto& id : dir.ids()) {
    const auto journal = dir.read(id);
    const bool wanted = journal && journal->problem.empty() &&
                        journal->state == JournalState::committed &&
                        journal->root == session.root && same_boot(*journal, session);
    if (!wanted) {
      continue;
    }
    for (const auto& write : journal->writes) {
      writes.push_back(write.write);
    }
    break;
  }
  return writes;
}

}  // namespace irqtune
