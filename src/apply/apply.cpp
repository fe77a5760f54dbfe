// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "irqtune/core/error.h"

#include "apply/intent/left.h"
#include "apply/intent/prepare.h"
#include "apply/journal/journal.h"
#include "apply/restore.h"
#include "apply/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

namespace irqtune {

namespace {

constexpr int kTries = 3;
constexpr std::chrono::milliseconds kRetryPause{10};

/// One run of apply(), from its first write on.
struct Run {
  const Kernel& kernel;
  const ApplyOptions& options;
  Journal& journal;
  std::vector<Item>& items;
  std::string problem = {};  ///< Of a journal that could not be closed.
};

/// As the journal should have it: with the number that is going to be written.
Write journaled(const Item& item) {
  auto write = item.outcome.write;
  if (write.identity) {
    write.identity->irq = item.outcome.irq;
  }
  return write;
}

bool is_interrupted(const ApplyOptions& options) {
  return options.interrupted && options.interrupted();
}

/// On the open descriptor: the interrupt is the same, and the journal knows what stands there.
bool still_holds(Run& run, Item& item) {
  auto& write = item.outcome.write;
  if (!is_still(run.kernel, write, item.outcome.irq)) {
    return false;
  }
  const auto now = run.kernel.sysfs.read(mask_path(write, item.outcome.irq));
  const bool remade = note_generation(run.kernel, item.outcome.irq, write);
  if (now && *now != write.before && (remade || !same_mask(write, *now, write.after))) {
    write.before = *now;
    run.journal.intend(item.number, journaled(item));
  } else if (remade) {
    run.journal.intend(item.number, journaled(item));
  }
  return true;
}

/// After a refusal that may mean that the interrupt went away. True if it is to be tried again.
bool find_again(Run& run, Item& item, const std::error_code& error) {
  auto& outcome = item.outcome;
  const auto irq = locate(run.kernel, outcome.write);
  if (!irq) {
    describe_vanished(outcome);
    return false;
  }
  if (*irq == outcome.irq) {
    // It is there: again, if it was made anew under its old number meanwhile, or between two
    // states, such as vfio exchanging its handler. Else EIO is the word on a managed interrupt.
    describe_refusal(error, outcome);
    run.kernel.clock.sleep(error.value() == EIO ? std::chrono::milliseconds{} : kRetryPause);
    return true;
  }
  outcome.irq = *irq;
  note_generation(run.kernel, *irq, outcome.write);
  const auto now = run.kernel.sysfs.read(mask_path(outcome.write, *irq));
  outcome.write.before = now.value_or(outcome.write.before);
  run.journal.intend(item.number, journaled(item));
  return true;
}

/// Returns how the kernel answered last.
std::error_code try_to_write(Run& run, Item& item) {
  auto& outcome = item.outcome;
  std::error_code error;
  for (int i = 0; i < kTries; ++i) {
    error = put(run.kernel,
                mask_path(outcome.write, outcome.irq),
                mask_text(outcome.write, outcome.write.after),
                [&] { return still_holds(run, item); });
    if (!error) {
      item.written = true;
      outcome.state = WriteState::ok;
      outcome.error.clear();
      outcome.hint.clear();
      run.journal.written(item.number);
      return error;
    }
    if (is_forwarded(run.kernel, outcome, error)) {
      describe_forwarded(outcome);
      return error;
    }
    if (!may_be_gone(error)) {
      describe_refusal(error, outcome);
      return error;
    }
    if (!find_again(run, item, error)) {
      return error;
    }
  }
  return error;
}

void write_one(Run& run, Item& item) {
  item.attempted = true;
  const auto error = try_to_write(run, item);
  if (is_spread(run.kernel, item.outcome, error)) {
    describe_spread(item.outcome);
  }
}

/// False if it ended early: at the first refusal, or interrupted.
bool write_all(Run& run) {
  for (auto& item : run.items) {
    if (!item.due) {
      continue;
    }
    if (is_interrupted(run.options)) {
      return false;
    }
    write_one(run, item);
    if (!item.written && !is_success(item.outcome.state) && !run.options.keep_going) {
      return false;
    }
  }
  return !is_interrupted(run.options);
}

void verify_all(Run& run) {
  std::vector<Outcome*> written;
  for (auto& item : run.items) {
    if (item.written) {
      written.push_back(&item.outcome);
    }
  }
  verify(run.kernel, written, run.options.verify_timeout, run.options.interrupted);
  for (const auto& item : run.items) {
    if (item.attempted) {
      run.journal.outcome(item.number, item.outcome);
    }
  }
}

bool all_succeeded(const std::vector<Item>& items) {
  return std::ranges::all_of(items,
                             [](const Item& item) { return is_success(item.outcome.state); });
}

/// What to say of writes that were fine by themselves in a run that came to nothing.
void describe_not_done(Item& item, Aftermath aftermath) {
  if (item.due && is_success(item.outcome.state)) {
    item.outcome.state = WriteState::failed;
    item.outcome.error = aftermath == Aftermath::put_back
                             ? "put back, because the run failed"
                             : "not tried, because the run ended before it";
    item.outcome.hint.clear();
    item.outcome.aftermath = aftermath;
  }
}

/// The kernel took nothing, and what stands there is not the plan's: someone else's by now.
bool owes_nothing(const Kernel& kernel, const Item& item) {
  const auto& write = item.outcome.write;
  const auto now = kernel.sysfs.read(mask_path(write, item.outcome.irq));
  return !item.written && kernel.follows && !(now && same_mask(write, *now, write.after));
}

/// A tree's file, unlike the kernel's, may hold half of a refused write (disk full).
Outcome put_back(const Kernel& kernel, const Item& item) {
  if (!item.attempted || owes_nothing(kernel, item)) {
    return {journaled(item), item.outcome.irq, WriteState::unchanged, {}, {}, {}};
  }
  const bool half = !item.written && !kernel.follows;
  return restore(kernel, journaled(item), half ? Restore::force : Restore::ours);
}

/// Puts back what was or may have been written, newest first. Returns how many could not be.
std::size_t undo(Run& run) {
  std::size_t left = 0;
  for (auto item = run.items.rbegin(); item != run.items.rend(); ++item) {
    if (!item->due) {
      continue;
    }
    const auto restored = put_back(run.kernel, *item);
    if (is_restored(restored)) {
      describe_not_done(*item, item->attempted ? Aftermath::put_back : Aftermath::not_tried);
    } else {
      ++left;
      item->outcome.state = WriteState::failed;
      item->outcome.error = "not put back: " + restored.error;
      item->outcome.hint = restored.hint;
    }
    try {
      run.journal.undone(item->number, restored);
    } catch (const Error&) {  // Putting back goes before keeping the books.
    }
  }
  return left;
}

/// Undoes, and says in the journal what it can. Returns how many masks could not be put back.
std::size_t undo_and_close(Run& run) {
  const auto left = undo(run);
  try {
    run.journal.finish(left == 0 ? JournalState::rolled_back : JournalState::partial);
  } catch (const Error& error) {  // It stays open; `rollback` then finds nothing left to put back.
    run.problem = error.what();
  }
  return left;
}

/// For what was thrown on the way.
void undo_after_exception(Run& run) {
  const auto left = undo_and_close(run);
  if (left != 0) {
    throw Error(
        ErrorKind::stranded,
        fmt::format("{}: {} of the masks could not be put back", run.journal.path().native(), left),
        fmt::format("`irqtune rollback {}`", run.journal.id()));
  }
}

ApplyState carry_out(Run& run) {
  try {
    const bool whole = write_all(run);
    if (whole) {
      verify_all(run);
    }
    const bool good = all_succeeded(run.items);
    // While verifying waited is not too late for a signal.
    if (whole && !is_interrupted(run.options) && (good || run.options.keep_going)) {
      const bool nothing = good && std::ranges::none_of(run.items, &Item::written);
      run.journal.finish(nothing ? JournalState::rolled_back
                         : good  ? JournalState::committed
                                 : JournalState::partial);
      return good ? ApplyState::committed : ApplyState::partial;
    }
  } catch (const Error& error) {
    undo_after_exception(run);
    throw Error(
        error.kind(), fmt::format("{}; every mask is as it was", error.what()), error.hint());
  } catch (...) {
    undo_after_exception(run);
    throw;
  }
  return undo_and_close(run) == 0 ? ApplyState::rolled_back : ApplyState::partial;
}

std::vector<Outcome> outcomes_of(std::vector<Item> items) {
  std::vector<Outcome> outcomes;
  outcomes.reserve(items.size());
  for (auto& item : items) {
    outcomes.push_back(std::move(item.outcome));
  }
  return outcomes;
}

/// What is left to do, as a state if that is nothing.
std::optional<ApplyState> settled_without_writing(std::vector<Item>& items,
                                                  const ApplyOptions& options) {
  const bool good = all_succeeded(items);
  if ((!good && !options.keep_going) || is_interrupted(options)) {
    for (auto& item : items) {
      describe_not_done(item, Aftermath::not_tried);
    }
    return ApplyState::rolled_back;
  }
  if (std::ranges::any_of(items, &Item::due)) {
    return std::nullopt;
  }
  return good ? ApplyState::nothing_to_do : ApplyState::partial;
}

/// The kernel took none of it, so that nothing stands that a rollback could be asked for. Half of
/// a refused write may stand in a tree.
bool left_nothing(const Run& run, ApplyState state) {
  const bool refused = state == ApplyState::partial && run.kernel.follows;
  return (refused || state == ApplyState::committed) &&
         std::ranges::all_of(run.items, [&](const Item& item) {
           const auto left = item.outcome.state;
           return !item.due ||
                  (!item.written && (left == WriteState::posted || left == WriteState::managed ||
                                     (refused && left == WriteState::refused)));
         });
}

/// The journal holds what later plans have to know.
bool remembers(const Run& run) {
  return std::ranges::any_of(
      run.items, [](const Item& item) { return item.outcome.state == WriteState::managed; });
}

bool is_removed(const JournalDir& dir, const std::string& id) {
  try {
    dir.remove(id);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void warn_of_interrupted(const JournalDir& dir, const Session& session, ApplyReport& report) {
  for (const auto& id : dir.ids()) {
    const auto journal = dir.read(id);
    const bool interrupted = journal && journal->problem.empty() &&
                             journal->state == JournalState::open &&
                             journal->root == session.root && same_boot(*journal, session);
    if (interrupted) {
      report.warnings.push_back(fmt::format(
          "a run was interrupted and is not rolled back yet: `irqtune rollback {}`", id));
    }
  }
}

}  // namespace

ApplyReport dry_run(const std::vector<Write>& writes, const Sysfs& sysfs) {
  const Kernel kernel(sysfs, {});
  auto items = prepare(kernel, writes);
  for (auto& item : items) {
    if (item.due) {
      item.outcome.state = WriteState::would_change;
    }
  }
  return {{}, false, ApplyState::dry_run, outcomes_of(std::move(items)), {}, {}, {}};
}

ApplyReport apply(const std::vector<Write>& writes,
                  const Sysfs& sysfs,
                  const Session& session,
                  const ApplyOptions& options) {
  const Kernel kernel(sysfs, options);
  ApplyReport report;
  auto items = prepare(kernel, writes);
  if (const auto state = settled_without_writing(items, options)) {
    report.state = *state;
    report.outcomes = outcomes_of(std::move(items));
    return report;
  }
  const JournalDir dir(session, true);
  warn_of_interrupted(dir, session, report);
  if (dir.opened_up()) {
    report.warnings.push_back(
        fmt::format("{}: other users may read it now, so that check and history work for them",
                    session.state_dir.native()));
  }
  std::vector<Write> due;
  for (const auto& item : items) {
    if (item.due) {
      due.push_back(journaled(item));
    }
  }
  auto journal = Journal::create(dir, session, due);
  Run run{kernel, options, journal, items};
  report.state = carry_out(run);
  if (!run.problem.empty()) {
    report.warnings.push_back(
        fmt::format("{}; `irqtune rollback {}` closes it", run.problem, journal.id()));
  }
  const bool nothing = left_nothing(run, report.state);
  // What it remembers is kept, and closed: a rollback has nothing to do with it.
  const bool kept = nothing && remembers(run);
  const bool gone = nothing && !kept && is_removed(dir, journal.id());
  if (!kept && !gone) {
    report.id = journal.id();
  } else if (kept || report.state == ApplyState::committed) {
    report.state = ApplyState::nothing_to_do;
  }
  report.outcomes = outcomes_of(std::move(items));
  return report;
}

}  // namespace irqtune
