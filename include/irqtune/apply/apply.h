// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/change.h"
#include "irqtune/core/drift.h"
#include "irqtune/core/plan.h"
#include "irqtune/sys/clock.h"
#include "irqtune/sys/sysfs.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace irqtune {

/// One Write per assignment that changes something, and one for the default affinity, in an order
/// such that no CPU passes its vector budget on the way. Pure.
[[nodiscard]] std::vector<Write> writes_for(const Plan& plan);

/// The one seam that tests replace: how bytes reach the kernel. `Sysfs::write` in the program.
using WriteFn = std::function<std::error_code(
    std::string_view path, std::string_view text, const std::function<bool()>& still_holds)>;

/// Who runs an apply, and on what; goes into the journal.
struct Session {
  std::filesystem::path state_dir;     ///< Where journals and the lock are.
  std::string root;                    ///< The root that was applied to, as an absolute path.
  std::optional<std::string> boot_id;  ///< Of the running host.
  std::string user;                    ///< Login name, through sudo.
  std::string plan_digest;             ///< 16 hexadecimal digits
  bool watch = false;                  ///< The journal is one that keeps masks in place: Keeper.

  /// irqtune's own options that select and place, as typed: " --vm vm1"; or empty.
  std::string options = {};
};

struct ApplyOptions {
  bool keep_going = false;  ///< Leave what was written when a later write is refused.
  bool force = false;       ///< rollback: also masks that someone changed since.
  std::chrono::milliseconds verify_timeout{1000};  ///< For the effective mask to follow.
  WriteFn write;                                   ///< Empty: Sysfs::write.
  std::function<bool()> interrupted;  ///< Asked between writes; true ends and undoes. May be empty.

  /// Whether effective masks follow the requested ones. Empty: Sysfs::live(); a tree is no kernel.
  std::optional<bool> follows;

  Clock clock;  ///< Of the pauses between retries and while verifying.
};

/// What `apply --dry-run` reports: who would change. Opens nothing for writing.
[[nodiscard]] ApplyReport dry_run(const std::vector<Write>& writes, const Sysfs& sysfs);

/// Journals all of `writes`, then carries them out one by one, each on the interrupt that still is
/// the same vector, and verifies them. At the first refusal (unless `keep_going`), or if anything
/// throws, puts back what was written, newest first. What could not be put back is named in the
/// outcomes, and the state is `partial`.
/// The caller holds the Lock. Throws Error{applying} if the journal cannot be written (everything
/// is as it was), and Error{stranded} if in that case something could not be put back.
[[nodiscard]] ApplyReport apply(const std::vector<Write>& writes,
                                const Sysfs& sysfs,
                                const Session& session,
                                const ApplyOptions& options);

/// Why `sysfs` cannot be written at all (not root, read-only /proc, a snapshot file); empty if
/// nothing speaks against it. Says so before a journal is opened.
[[nodiscard]] std::optional<std::string> why_not_writable(const Sysfs& sysfs);

/// Which journals a rollback takes up.
struct RollbackSelection {
  /// Or how it begins, if none else does. Empty: the newest that is not rolled back; none older if
  /// that is damaged.
  std::string id;
  bool all = false;  ///< Every one that is not rolled back, newest first.
  bool dry_run = false;
};

/// Puts back every mask that still is what apply wrote, on the interrupts that still are the same
/// vectors; the others are reported and left, as are those that a newer journal has set since and
/// that is not rolled back. One report for each journal, newest first; none if there is nothing to
/// roll back, `nothing_to_do` if `id` is rolled back already. A journal that cannot be written
/// (disk full) or read, and an interruption, leave a `problem` and the state `partial`. The caller
/// holds the Lock, except for a dry run. Throws Error{usage} if `id` is not a journal, begins more
/// than one, or is of another root or a newer format.
[[nodiscard]] std::vector<ApplyReport> roll_back(const RollbackSelection& selection,
                                                 const Sysfs& sysfs,
                                                 const Session& session,
                                                 const ApplyOptions& options);

/// False if nothing was ever applied there; true if it cannot be told.
[[nodiscard]] bool has_state_dir(const Session& session);

/// Newest first. A journal that cannot be read is an entry with a `problem`.
[[nodiscard]] std::vector<HistoryEntry> history(const Session& session);

/// Removes all but the newest `keep` journals, never one that is open or partial. Returns how many.
std::size_t prune_journals(const Session& session, std::size_t keep);

/// What applies of this boot and root have set, as the last of them did, and no rollback has put
/// back: what `check` compares with.
[[nodiscard]] std::vector<Write> standing_writes(const Session& session);

/// A vector that had not moved yet when its apply ended.
struct PendingMove {
  Write write;
  int cpu = 0;                ///< Where it still was.
  std::uint64_t counted = 0;  ///< How often that CPU had counted it by then.
};

/// Of standing_writes(), those that were pending when last looked at.
[[nodiscard]] std::vector<PendingMove> pending_moves(const Session& session);

/// Marks the vectors that the old CPU has counted since, and which yet did not move: they are not
/// pending any more. See Irq::counted_since_write.
void mark_counted(const std::vector<PendingMove>& moves, Host& host);

/// The options of the apply that set the default affinity which stands; empty if none did, or if
/// its journal does not say.
[[nodiscard]] std::string default_options(const Session& session);

/// The host devices' interrupts that applies of this boot found the kernel to spread by itself.
[[nodiscard]] std::vector<Identity> managed_interrupts(const Session& session);

/// Journals of this root, or of one that cannot be told, that standing_writes() had to pass over:
/// "20260301T123456Z-001a: Permission denied".
[[nodiscard]] std::vector<std::string> unread_journals(const Session& session);

/// Marks the interrupts of a host that was read from a tree whose masks `writes` have set there: a
/// tree is no kernel, and its effective files are as they were. See Irq::written_to_tree.
void mark_written(const std::vector<Write>& writes, Host& host);

/// The masks of the writes as they stand, in their order; those of interrupts that are gone are
/// left out, since their masks went with them.
[[nodiscard]] std::vector<AppliedMask> applied_masks(const std::vector<Write>& writes,
                                                     const Sysfs& sysfs);

/// Exclusive use of the state directory, and of a host's masks: flock(2) on a file in the
/// directory, and on /run/irqtune.lock, since two state directories do not make two hosts. Freed by
/// the kernel when its holder ends, however it ends. Creates the directory (0755; the locks 0600)
/// if it is absent.
class Lock {
 public:
  /// Of the state directory alone, for what changes no mask. Waits up to `wait`. Throws Error{busy}
  /// naming the holder's PID if that is not enough, and Error{applying} if the directory or file
  /// cannot be made or is not ours alone, or if a signal ended the wait. `root` is the tree that
  /// the directory may lie in: no link below it is followed.
  Lock(const std::filesystem::path& state_dir,
       std::chrono::milliseconds wait,
       const std::filesystem::path& root = "/",
       const Clock& clock = {});

  /// Of both, for what changes masks; of a tree, DIR/run/irqtune.lock. Otherwise the same.
  Lock(const Session& session, std::chrono::milliseconds wait, const Clock& clock = {});
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  Lock(Lock&&) = delete;
  Lock& operator=(Lock&&) = delete;
  ~Lock();

  /// lock_stamp() as the last holder left it.
  [[nodiscard]] const std::string& found() const noexcept { return found_; }

 private:
  class File;
  std::unique_ptr<File> state_;
  std::unique_ptr<File> host_;  // Given back first.
  std::string found_;
};

/// A text that differs from one holder of the lock to the next; empty if there was none. What was
/// read before holding the lock may be out of date if the stamp is another than before.
[[nodiscard]] std::string lock_stamp(const std::filesystem::path& state_dir);

/// The same of both locks.
[[nodiscard]] std::string lock_stamp(const Session& session);

}  // namespace irqtune
