// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"
#include "irqtune/apply/irqbalance.h"
#include "irqtune/core/change.h"
#include "irqtune/sys/sysfs.h"

#include <memory>
#include <string>
#include <vector>

namespace irqtune {

/// Keeps masks in place over a long run, on one journal.
///
/// Each write has what one of apply() has: checked identity, journal first, verified. Each stands
/// alone: a refusal undoes no other. A mask is journalled once, before its first write, with what
/// stood there then; a vector that the kernel makes anew under a known key needs no new record, and
/// what is written to it then is the journal's to put back as well. The journal is written anew,
/// shorter, before it grows to 1 MiB.
/// The caller holds the Lock, and `sysfs` outlives the object.
class Keeper {
 public:
  /// Takes over the newest journal if it is that of a watch of this root and boot that did not end
  /// in good order; else one is made with the first write. Throws Error if journals cannot be read.
  Keeper(const Sysfs& sysfs, const Session& session, const ApplyOptions& options);
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  Keeper(Keeper&&) = delete;
  Keeper& operator=(Keeper&&) = delete;
  ~Keeper();

  /// What stands by the journal taken over: the writes in their order, or none.
  [[nodiscard]] std::vector<Write> taken_over() const;

  /// Carries out what is not in place yet. One outcome a write, in their order. Where the journal
  /// cannot be written, what it does not know yet fails, and the rest is carried out. Throws
  /// Error{applying} if there is none and it cannot be made: then nothing was written.
  std::vector<Outcome> place(const std::vector<Write>& writes);

  /// What irqbalance bans for irqtune's sake, by the journal.
  [[nodiscard]] const IrqSet& banned() const noexcept;

  /// Notes that, on disk, before irqbalance is told more, or after it was told less. Throws as
  /// place().
  void note_banned(const IrqSet& irqs);

  /// Puts the default affinity back if the journal has set it; an empty optional if it has not.
  std::optional<Outcome> put_default_back();

  /// Everything that was placed up to now is as it should be: a run that ends here is no
  /// interrupted one. Throws as place().
  void settled();

  /// Ends the run in good order: masks stay. Throws as place().
  void stop();

  /// Ends it and puts back what the journal holds; an empty optional if that is nothing.
  [[nodiscard]] std::optional<ApplyReport> restore();

  /// Of the journal; empty while nothing was written.
  [[nodiscard]] std::string id() const;

 private:
  class Book;
  std::unique_ptr<Book> book_;
};

}  // namespace irqtune
