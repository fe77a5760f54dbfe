// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/apply/irqbalance.h"
#include "irqtune/core/error.h"

#include "apply/claims.h"
#include "apply/journal/journal.h"
#include "apply/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace irqtune {

namespace {

struct Rollback {
  const Kernel& kernel;
  const Session& session;
  const ApplyOptions& options;
  const JournalDir& dir;
  bool dry_run = false;
  Claims newer = {};  ///< What journals newer than the one in hand have set, and still owe.
};

/// The journal of a rollback. Putting back goes before keeping the books: on a full disk the masks
/// are put back all the same, and a later rollback, which finds nothing left to do, closes it.
class Books {
 public:
  Books(const Rollback& rollback, const JournalText& text) {
    if (!rollback.dry_run) {
      attempt([&] {
        journal_.emplace(Journal::resume(rollback.dir, text));
        journal_->begin_rollback(rollback.session, rollback.options.force);
      });
    }
  }

  void undone(std::size_t number, const Outcome& outcome) {
    if (journal_) {
      attempt([&] { journal_->undone(number, outcome); });
    }
  }

  void released() {
    if (journal_) {
      attempt([&] { journal_->banned({}); });
    }
  }

  void finish(JournalState state) {
    if (journal_) {
      attempt([&] { journal_->finish(state); });
    }
  }

  /// Why it is not written to its end; empty if it is.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  template <typename Entry>
  void attempt(Entry entry) {
    try {
      entry();
    } catch (const Error& error) {
      problem_ = error.what();
      journal_.reset();
    }
  }

  std::optional<Journal> journal_;
  std::string problem_;
};

/// Why a journal cannot be rolled back; empty if it can.
std::string objection(const JournalText& journal, const Rollback& rollback) {
  const bool readable = !journal.newer && rollback.options.force && !journal.root.empty();
  if (!journal.problem.empty() && !readable) {
    return journal.problem;
  }
  if (journal.root != rollback.session.root) {
    return fmt::format("belongs to the root {}, not {}", journal.root, rollback.session.root);
  }
  return {};
}

std::string hint_for(const JournalText& journal, const Session& session) {
  if (journal.newer) {
    return "use the irqtune that wrote it, or a newer one";
  }
  if (journal.problem.empty()) {
    return journal.root != session.root ? fmt::format("give --root {}", journal.root) : "";
  }
  return journal.root.empty()
             ? std::string(
                   "look at the file: another user's has to be given back (chown) first; "
                   "one that nothing can be read of can only be removed")
             : fmt::format("`irqtune rollback {} --force` goes by the lines that can be read",
                           journal.id);
}

Outcome not_written(const Write& write, WriteState state, std::string error, std::string hint) {
  const auto irq = write.identity ? write.identity->irq : IrqNumber{};
  return {write, irq, state, {}, std::move(error), std::move(hint)};
}

Restore how_to_restore(const Rollback& rollback) {
  if (rollback.dry_run) {
    return rollback.options.force ? Restore::look_force : Restore::look;
  }
  return rollback.options.force ? Restore::force : Restore::ours;
}

/// What a watch set stands in every generation since, until it is stopped; where another mask
/// stands in a new one, that is the kernel's.
Outcome restore_kept(const Rollback& rollback, const Write& write) {
  auto any = write;
  if (any.identity) {
    any.identity->generation.reset();
  }
  auto outcome = restore(rollback.kernel, any, how_to_restore(rollback));
  if (outcome.state == WriteState::failed && is_remade(rollback.kernel, write, outcome.irq)) {
    describe_remade(outcome);
  }
  return outcome;
}

/// Puts one mask back, unless that is a newer journal's to do first: what stood there before that
/// one is what stands in this.
Outcome put_back(const Rollback& rollback, const JournalText& text, const Write& write) {
  if (!same_boot(text, rollback.session)) {
    return not_written(write,
                       WriteState::vanished,
                       "it was written in another boot",
                       "the boot took its mask away: there is nothing to put back");
  }
  const auto holder = rollback.newer.holder(write);
  const auto irq =
      holder && !rollback.options.force ? locate(rollback.kernel, write) : std::nullopt;
  if (irq && !is_remade(rollback.kernel, write, *irq)) {
    return not_written(
        write,
        WriteState::failed,
        fmt::format("set again by {}, which is not rolled back", *holder),
        fmt::format("first `irqtune rollback {}`; or all of them, with --all", *holder));
  }
  return text.watch ? restore_kept(rollback, write)
                    : restore(rollback.kernel, write, how_to_restore(rollback));
}

bool is_interrupted(const Rollback& rollback) {
  return rollback.options.interrupted && rollback.options.interrupted();
}

/// Newest first. Returns how many it left when it was interrupted.
std::size_t restore_all(const Rollback& rollback,
                        const JournalText& text,
                        Books& books,
                        std::vector<Outcome>& outcomes) {
  auto left = text.writes.size();
  for (auto entry = text.writes.rbegin(); entry != text.writes.rend(); ++entry, --left) {
    if (is_interrupted(rollback)) {
      return left;
    }
    outcomes.push_back(put_back(rollback, text, entry->second.write));
    books.undone(entry->first, outcomes.back());
  }
  return 0;
}

/// What is wrong with a rollback besides its outcomes, and what to do.
void describe_problem(const JournalText& text,
                      const Books& books,
                      std::size_t left,
                      ApplyReport& report) {
  report.hint = fmt::format("run `irqtune rollback {}` again", text.id);
  if (left > 0) {
    report.problem = fmt::format("interrupted: {} of {} masks are left", left, text.writes.size());
  } else if (!books.problem().empty()) {
    report.problem = "masks are put back as below, but: " + books.problem();
    report.hint += " then: it finds nothing left to do";
  } else if (!text.problem.empty()) {
    report.problem = text.problem + ": only the other lines count";
    report.hint = "look for masks that it does not name";
  } else {
    report.hint.clear();
  }
}

ApplyReport roll_back_one(Rollback& rollback, const JournalText& text) {
  ApplyReport report;
  report.id = text.id;
  report.rollback = true;
  Books books(rollback, text);
  const auto left = restore_all(rollback, text, books, report.outcomes);
  if (!rollback.dry_run && !text.banned.empty() && same_boot(text, rollback.session)) {
    release_bans(rollback.kernel.sysfs, text.banned);
    books.released();
  }
  const bool restored = std::ranges::all_of(report.outcomes, is_restored);
  if (left == 0) {  // Else it stays open.
    books.finish(restored ? JournalState::rolled_back : JournalState::partial);
  }
  describe_problem(text, books, left, report);
  const bool whole = left == 0 && restored && report.problem.empty();
  report.state = whole ? ApplyState::rolled_back : ApplyState::partial;
  report.state = rollback.dry_run ? ApplyState::dry_run : report.state;
  for (const auto& outcome : report.outcomes) {
    if (!is_restored(outcome)) {
      rollback.newer.add(outcome.write, text.id);
    }
  }
  return report;
}

/// The ID that `text` is, or begins as the only one. Throws Error{usage} if it begins several.
std::string whole_id(const JournalDir& dir, const std::string& text) {
  auto ids = dir.ids();
  if (std::ranges::find(ids, text) != ids.end()) {
    return text;
  }
  std::erase_if(ids, [&](const std::string& id) { return !id.starts_with(text); });
  if (ids.size() > 1) {
    constexpr std::size_t kNamed = 10;
    const auto* const more = ids.size() > kNamed ? ", ..." : "";
    ids.resize(std::min(ids.size(), kNamed));
    throw Error(ErrorKind::usage,
                fmt::format("{}: begins more than one journal's ID", text),
                fmt::format("there are: {}{}", fmt::join(ids, ", "), more));
  }
  return ids.empty() ? text : ids.front();
}

ApplyReport roll_back_named(Rollback& rollback, const std::string& text) {
  const auto id = whole_id(rollback.dir, text);
  const auto journal = rollback.dir.read(id);
  if (!journal || !journal_sequence(id)) {
    throw Error(ErrorKind::usage, id + ": no such journal", "`irqtune history` lists them");
  }
  if (is_closed(*journal) && journal->root == rollback.session.root) {
    return {id, true, ApplyState::nothing_to_do, {}, {}, {}, {}};
  }
  if (const auto why = objection(*journal, rollback); !why.empty()) {
    throw Error(
        ErrorKind::usage, fmt::format("{}: {}", id, why), hint_for(*journal, rollback.session));
  }
  for (const auto& other : rollback.dir.ids()) {
    if (other == id) {
      break;
    }
    const auto newer = rollback.dir.read(other);
    if (newer && is_owed(*newer, rollback.session)) {
      rollback.newer.add(*newer);
    }
  }
  return roll_back_one(rollback, *journal);
}

/// A journal that cannot be rolled back is no reason to leave the others. One of another root or
/// boot is none of this one's business; of the rest something may be left.
ApplyReport passed_over(const JournalText& journal, const std::string& why, Rollback& rollback) {
  ApplyReport report;
  report.rollback = true;
  if (!may_be_owed(journal, rollback.session)) {
    report.warnings = {fmt::format("{}: passed over: {}", journal.id, why)};
    return report;
  }
  if (is_owed(journal, rollback.session)) {
    rollback.newer.add(journal);
  }
  report.id = journal.id;
  report.state = rollback.dry_run ? ApplyState::dry_run : ApplyState::partial;
  report.problem = "passed over: " + why;
  report.hint = hint_for(journal, rollback.session);
  return report;
}

/// The last change was meant, not one before it.
ApplyReport stopped_at(const JournalText& journal, const std::string& why, Rollback& rollback) {
  auto report = passed_over(journal, why, rollback);
  report.problem = why;
  report.hint += "; `irqtune rollback --all` goes on to the journals before it";
  return report;
}

ApplyReport not_begun(const JournalText& journal) {
  return {journal.id,
          true,
          ApplyState::partial,
          {},
          {},
          "interrupted before its turn: nothing of it is put back",
          fmt::format("run `irqtune rollback {}`, or --all, again", journal.id)};
}

/// One journal's turn. False if it was the last.
bool take_up(Rollback& rollback,
             const JournalText& journal,
             bool all,
             std::vector<ApplyReport>& reports) {
  if (const auto why = objection(journal, rollback); !why.empty()) {
    const bool stops = !all && may_be_owed(journal, rollback.session);
    reports.push_back(stops ? stopped_at(journal, why, rollback)
                            : passed_over(journal, why, rollback));
    return !stops;
  }
  if (!reports.empty() && is_interrupted(rollback)) {
    reports.push_back(not_begun(journal));
    return false;
  }
  reports.push_back(roll_back_one(rollback, journal));
  return all;
}

/// The newest journal that is not rolled back, or all of them.
std::vector<ApplyReport> roll_back_due(Rollback& rollback, bool all) {
  std::vector<ApplyReport> reports;
  for (const auto& id : rollback.dir.ids()) {
    const auto journal = rollback.dir.read(id);
    if (journal && !is_closed(*journal) && !take_up(rollback, *journal, all, reports)) {
      break;
    }
  }
  return reports;
}

}  // namespace

std::vector<ApplyReport> roll_back(const RollbackSelection& selection,
                                   const Sysfs& sysfs,
                                   const Session& session,
                                   const ApplyOptions& options) {
  const Kernel kernel(sysfs, options);
  const JournalDir dir(session, false);
  Rollback rollback{kernel, session, options, dir, selection.dry_run};
  if (!selection.id.empty()) {
    return {roll_back_named(rollback, selection.id)};
  }
  return roll_back_due(rollback, selection.all);
}

}  // namespace irqtune
