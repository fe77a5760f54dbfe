// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"
#include "irqtune/apply/irqbalance.h"
#include "irqtune/core/change.h"

#include "sys/fd.h"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace irqtune {

/// One write as the journal knows it. `write.identity->irq` is the number that was written last.
struct JournalWrite {
  Write write;
  bool written = false;
  bool undone = false;              ///< Put back, or was so already.
  bool vanished = false;            ///< Gone when it was to be put back.
  std::optional<WriteState> state;  ///< Its outcome, once verified.
  std::optional<int> pending_on =
      {};                     ///< The CPU that it was to leave, and how often that had counted
  std::uint64_t counted = 0;  ///< it by then; empty optional if it was not pending.
};

/// What a journal says.
struct JournalText {
  std::string id;
  std::string started;   ///< UTC, "2026-03-01T12:34:56Z"
  std::string finished;  ///< Of the last apply or rollback; empty if that was interrupted.
  std::string root;
  std::string user;
  std::string plan_digest;
  std::string options;  ///< Of the apply, " --default-affinity"; empty of older versions too.
  std::optional<std::string> boot_id;
  JournalState state = JournalState::open;
  /// By number, which is the order of writing. Where intents cannot be read, numbers are missing.
  std::map<std::size_t, JournalWrite> writes;
  std::size_t good_bytes = 0;  ///< Up to the last whole line; what follows is torn.
  std::string problem;         ///< What is wrong with it; empty if nothing is.
  bool watch = false;          ///< A watch's: what it set stands in later generations too.
  bool stopped = false;        ///< A watch's that ended in good order.
  bool newer = false;          ///< Another version of the format: hands off.
  std::string head;            ///< Its first line, as it stands.
  IrqSet banned;               ///< What a watch had irqbalance ban, and has not taken back.
};

/// Parses a journal of any state of repair; never throws. A torn last line is no problem; whatever
/// else is wrong goes into `problem`, and the lines that can be read count. Format:
/// docs/journal.md.
[[nodiscard]] JournalText parse_journal(std::string_view text);

/// Masks do not outlive the boot. Unknown ids (a tree has none) count as the same: the identity and
/// the mask that was written still have to agree before anything is put back.
[[nodiscard]] bool same_boot(const JournalText& journal, const Session& session);

/// Number in an id "20260301T123456Z-001a", by which journals are ordered: clocks step back. Empty
/// optional if `id` is none.
[[nodiscard]] std::optional<unsigned> journal_sequence(std::string_view id);

/// The directory with a state directory's journals.
class JournalDir {
 public:
  /// Makes it if `create`, and lets other users read it: `check` and `history` work for all; else
  /// it may be absent, and then has no journals. Throws Error if it cannot be opened or is not ours
  /// alone.
  JournalDir(const Session& session, bool create);

  /// Ids, newest first. Throws Error{applying} if the directory cannot be listed.
  [[nodiscard]] std::vector<std::string> ids() const;

  /// As parse_journal. A file that cannot be read has a `problem`; empty optional if it is absent.
  [[nodiscard]] std::optional<JournalText> read(std::string_view id) const;

  /// Removes what an interrupted creation left behind.
  void remove_leftovers() const;

  /// Throws Error{applying} if it cannot.
  void remove(std::string_view id) const;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }

  /// True if the directory was closed to other users, as older versions made it, and is not now.
  [[nodiscard]] bool opened_up() const noexcept { return opened_up_; }

 private:
  void open_files_to_readers() const;

  std::filesystem::path path_;
  bool opened_up_ = false;
  Fd fd_;
};

/// A journal that is being written. Each line is in the file when its function returns, and on disk
/// where that is said. Throws Error{applying} if a line cannot be written; none but the
/// last is left torn then.
class Journal {
 public:
  /// Makes a journal with an intent for each of `writes`. When it returns, all of it is on disk;
  /// until then there is no journal (rename(2)).
  static Journal create(const JournalDir& dir,
                        const Session& session,
                        const std::vector<Write>& writes);

  /// Goes on with a journal, behind its last whole line.
  static Journal resume(const JournalDir& dir, const JournalText& journal);

  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  /// Write `number` is going to differ from its first intent; on disk.
  void intend(std::size_t number, const Write& write);

  /// The same for several, by their numbers.
  void intend(const std::vector<std::pair<std::size_t, Write>>& writes);
  void written(std::size_t number);

  /// Of a watch's journal: it ended in good order; on disk.
  void stopped();

  /// All that irqbalance bans for irqtune's sake from now on; on disk.
  void banned(const IrqSet& irqs);

  /// Bytes.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Puts a shorter text that says the same in its place, at once, and goes on behind it: its head,
  /// then what `entries` and `banned` say, and that it is `committed`. Where it cannot be written
  /// the old one stays.
  void compact(const JournalDir& dir,
               const std::vector<std::pair<std::size_t, JournalWrite>>& entries,
               const IrqSet& banned,
               bool committed);
  void outcome(std::size_t number, const Outcome& outcome);
  void begin_rollback(const Session& session, bool force);
  void undone(std::size_t number, const Outcome& outcome);

  /// The last line of an apply or a rollback; on disk.
  void finish(JournalState state);

 private:
  Journal(Fd fd, std::filesystem::path path, std::string id, std::string head);
  void append(const std::string& lines, bool sync);

  Fd fd_;
  std::filesystem::path path_;
  std::string id_;
  std::string head_;
  std::size_t size_ = 0;
};

}  // namespace irqtune
