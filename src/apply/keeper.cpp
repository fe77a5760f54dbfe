// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/keeper.h"

#include "irqtune/core/error.h"

#include "apply/claims.h"
#include "apply/intent/prepare.h"
#include "apply/journal/journal.h"
#include "apply/restore.h"
#include "apply/verify.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

namespace irqtune {

namespace {

constexpr int kTries = 3;

/// A journal that grows above this, and above twice what it cannot do without, is written anew.
constexpr std::size_t kCompactAbove = std::size_t{640} << 10;

/// What the journal knows of one mask.
struct Record {
  std::size_t number = 0;
  Write write;           ///< `before` is what stood there first.
  bool written = false;  ///< The journal says so.
  bool undone = false;
};

/// As the journal should have it: with the number and generation of now.
Write journaled(const Item& item, const Record& record) {
  auto write = item.outcome.write;
  write.before = record.write.before;
  if (write.identity) {
    write.identity->irq = item.outcome.irq;
  }
  return write;
}

}  // namespace

/// The journal, and by key what is in it.
class Keeper::Book {
 public:
  Book(const Sysfs& sysfs, Session session, ApplyOptions options)
      : sysfs_(sysfs),
        session_(std::move(session)),
        options_(std::move(options)),
        kernel_(sysfs_, options_) {
    session_.watch = true;
    take_over();
  }

  std::vector<Outcome> place(const std::vector<Write>& writes) {
    auto items = prepare(kernel_, writes);
    note(items);
    std::vector<Outcome*> written;
    for (auto& item : items) {
      if (item.due) {
        write_one(item);
      }
      if (item.written) {
        written.push_back(&item.outcome);
      }
    }
    verify(kernel_, written, options_.verify_timeout, options_.interrupted);
    std::vector<Outcome> outcomes;
    outcomes.reserve(items.size());
    for (auto& item : items) {
      outcomes.push_back(std::move(item.outcome));
    }
    return outcomes;
  }

  [[nodiscard]] std::vector<Write> standing() const {
    std::map<std::size_t, const Write*> by_number;
    for (const auto& [key, record] : records_) {
      if (!record.undone) {
        by_number.emplace(record.number, &record.write);
      }
    }
    std::vector<Write> writes;
    writes.reserve(by_number.size());
    for (const auto& [number, write] : by_number) {
      writes.push_back(*write);
    }
    return writes;
  }

  std::optional<Outcome> put_default_back() {
    const auto found = records_.find(write_key(Write{}));
    if (found == records_.end() || found->second.undone) {
      return std::nullopt;
    }
    auto& record = found->second;
    auto outcome = irqtune::restore(kernel_, record.write, Restore::ours);
    record.undone = is_restored(outcome);
    journal_->undone(record.number, outcome);
    return outcome;
  }

  [[nodiscard]] const IrqSet& banned() const noexcept { return banned_; }

  void note_banned(const IrqSet& irqs) {
    if (irqs == banned_) {
      return;
    }
    if (!journal_) {
      create({});
    }
    journal_->banned(irqs);
    banned_ = irqs;
  }

  void settled() {
    if (journal_ && !settled_) {
      journal_->finish(JournalState::committed);
      settled_ = true;
    }
  }

  void stop() {
    if (journal_) {
      settled();
      journal_->stopped();
    }
  }

  [[nodiscard]] std::optional<ApplyReport> restore() {
    if (!journal_) {
      return std::nullopt;
    }
    auto reports = roll_back({journal_->id(), false, false}, sysfs_, session_, options_);
    return reports.empty() ? std::nullopt : std::optional(std::move(reports.front()));
  }

  [[nodiscard]] std::string id() const { return journal_ ? journal_->id() : std::string(); }

 private:
  void take_over() {
    const JournalDir dir(session_, false);
    const auto ids = dir.ids();
    const auto text = ids.empty() ? std::nullopt : dir.read(ids.front());
    const bool ours = text && text->watch && !text->stopped && text->problem.empty() &&
                      is_owed(*text, session_) && text->state != JournalState::partial;
    if (!ours) {
      return;
    }
    for (const auto& [number, write] : text->writes) {
      const bool undone = write.undone || write.vanished;
      records_.emplace(write_key(write.write), Record{number, write.write, write.written, undone});
      next_ = std::max(next_, number + 1);
    }
    banned_ = text->banned;
    journal_.emplace(Journal::resume(dir, *text));
    settled_ = text->state == JournalState::committed;
  }

  /// Journals what is to be written and not known yet: in one go, before the first write.
  void note(std::vector<Item>& items) {
    std::vector<std::pair<std::size_t, Write>> intents;
    for (auto& item : items) {
      if (item.due) {
        note_one(item, intents);
      }
    }
    if (intents.empty()) {
      return;
    }
    if (!journal_) {
      create(intents);
    } else if (!is_noted(intents, items)) {
      fresh_ = 0;
      return;
    }
    for (const auto& [number, write] : intents) {
      records_.insert_or_assign(write_key(write), Record{number, write, false, false});
    }
    next_ += fresh_;
    fresh_ = 0;
    if (journal_->size() > std::max(kCompactAbove, 2 * compacted_)) {
      compact();
    }
  }

  void compact() {
    std::map<std::size_t, JournalWrite> by_number;
    for (const auto& [key, record] : records_) {
      by_number.emplace(record.number,
                        JournalWrite{record.write, record.written, record.undone, false, {}});
    }
    journal_->compact(
        JournalDir(session_, true), {by_number.begin(), by_number.end()}, banned_, settled_);
    compacted_ = journal_->size();
  }

  /// False if the journal cannot be written: then nothing that it does not know is, either.
  bool is_noted(const std::vector<std::pair<std::size_t, Write>>& intents,
                std::vector<Item>& items) {
    try {
      journal_->intend(intents);
      return true;
    } catch (const Error& error) {
      give_up(intents, items, error);
      return false;
    }
  }

  static void give_up(const std::vector<std::pair<std::size_t, Write>>& intents,
                      std::vector<Item>& items,
                      const Error& error) {
    for (const auto& intent : intents) {
      const auto item = std::ranges::find_if(items, [&](const Item& one) {
        return one.due && write_key(one.outcome.write) == write_key(intent.second);
      });
      item->due = false;
      item->outcome.state = WriteState::failed;
      item->outcome.error = error.what();
      item->outcome.hint = error.hint();
    }
  }

  void note_one(Item& item, std::vector<std::pair<std::size_t, Write>>& intents) {
    const auto found = records_.find(write_key(item.outcome.write));
    if (found == records_.end()) {
      item.number = next_ + fresh_++;
      intents.emplace_back(item.number, journaled(item, {0, item.outcome.write, false, false}));
      return;
    }
    item.number = found->second.number;
    if (found->second.undone) {  // Put back once: what stands there now is what came before.
      intents.emplace_back(item.number, journaled(item, {0, item.outcome.write, false, false}));
    } else if (found->second.write.after != item.outcome.write.after) {
      intents.emplace_back(item.number, journaled(item, found->second));
    }
  }

  void create(const std::vector<std::pair<std::size_t, Write>>& intents) {
    std::vector<Write> writes;
    writes.reserve(intents.size());
    for (const auto& [number, write] : intents) {
      writes.push_back(write);
    }
    const JournalDir dir(session_, true);
    journal_.emplace(Journal::create(dir, session_, writes));
  }

  void write_one(Item& item) {
    auto& outcome = item.outcome;
    for (int i = 0; i < kTries; ++i) {
      const auto error = put(kernel_,
                             mask_path(outcome.write, outcome.irq),
                             mask_text(outcome.write, outcome.write.after),
                             [&] { return is_still(kernel_, outcome.write, outcome.irq); });
      if (!error) {
        note_written(item);
        return;
      }
      describe_refusal(error, outcome);
      const auto irq = may_be_gone(error) ? locate(kernel_, outcome.write) : std::nullopt;
      if (may_be_gone(error) && !irq) {
        describe_vanished(outcome);
      }
      if (!irq) {
        return;
      }
      outcome.irq = *irq;
    }
  }

  void note_written(Item& item) {
    item.written = true;
    item.outcome.state = WriteState::ok;
    item.outcome.error.clear();
    item.outcome.hint.clear();
    const auto found = records_.find(write_key(item.outcome.write));
    if (found != records_.end() && !found->second.written) {
      found->second.written = true;
      try {
        journal_->written(item.number);
      } catch (const Error&) {  // The intent is on disk: that is what a rollback goes by.
        found->second.written = false;
      }
    }
  }

  const Sysfs& sysfs_;
  Session session_;
  ApplyOptions options_;
  Kernel kernel_;
  std::optional<Journal> journal_;
  std::map<std::string, Record> records_;  // By write_key().
  std::size_t next_ = 0;
  std::size_t fresh_ = 0;
  std::size_t compacted_ = 0;  // Its size when it was written anew last.
  IrqSet banned_;
  bool settled_ = false;
};

Keeper::Keeper(const Sysfs& sysfs, const Session& session, const ApplyOptions& options)
    : book_(std::make_unique<Book>(sysfs, session, options)) {}

Keeper::~Keeper() = default;

std::vector<Write> Keeper::taken_over() const {
  return book_->standing();
}

std::vector<Outcome> Keeper::place(const std::vector<Write>& writes) {
  return book_->place(writes);
}

const IrqSet& Keeper::banned() const noexcept {
  return book_->banned();
}

void Keeper::note_banned(const IrqSet& irqs) {
  book_->note_banned(irqs);
}

std::optional<Outcome> Keeper::put_default_back() {
  return book_->put_default_back();
}

void Keeper::settled() {
  book_->settled();
}

void Keeper::stop() {
  book_->stop();
}

std::optional<ApplyReport> Keeper::restore() {
  return book_->restore();
}

std::string Keeper::id() const {
  return book_->id();
}

}  // namespace irqtune
