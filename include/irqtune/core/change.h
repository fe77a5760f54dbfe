// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/cpu_set.h"
#include "irqtune/core/host.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// What must still be true of an interrupt when it is written: that it is the same one.
struct Identity {
  IrqNumber irq{};
  std::optional<VectorId> vector;    ///< The key; found again by it if the number has changed.
  std::optional<PciAddress> device;  ///< A host device's: msi_irqs/ must still list the number.
  std::vector<std::string> actions;  ///< Handler names, compared where `vector` is empty.
  std::optional<std::uint64_t> generation;  ///< See Irq::generation; empty if unknown.
  bool posted = false;  ///< The hardware delivers it to a vCPU by itself, as far as is known.
};

/// One affinity to change. Without `identity` it is /proc/irq/default_smp_affinity.
struct Write {
  std::optional<Identity> identity;
  std::string before;  ///< The requested mask in the kernel's own text, as read when planning.
  CpuSet after;
  std::string vm = {};  ///< Who had the device when it was planned; empty if no VM, or not known.
};

/// The device whose interrupt is written; empty for the default affinity and platform interrupts.
[[nodiscard]] std::optional<PciAddress> device_of(const Write& write);

/// What became of one write.
enum class WriteState {
  ok,            ///< Requested and effective mask agree with the plan.
  pending,       ///< Requested, effective not yet: the kernel moves it at its next interrupt.
  posted,        ///< Accepted, without effect while the hardware posts it to a vCPU.
  unchanged,     ///< Was as planned already.
  managed,       ///< Left: the kernel spreads this host device's interrupts by itself.
  refused,       ///< The kernel said no, for good.
  vanished,      ///< There is no such vector any more.
  remade,        ///< The kernel made it anew since: what was written went with the old one.
  renumbered,    ///< Found under another number, and written there.
  fallback,      ///< The kernel put it outside the requested mask.
  failed,        ///< Something else went wrong: see `error`.
  would_change,  ///< A dry run.
};

[[nodiscard]] std::string_view write_state_text(WriteState state) noexcept;
[[nodiscard]] std::optional<WriteState> parse_write_state(std::string_view text) noexcept;

/// True if the write is in force, or will be without further help.
[[nodiscard]] bool is_success(WriteState state) noexcept;

/// True if the write went with the interrupt it was made to: nothing is left to put back.
[[nodiscard]] bool is_gone(WriteState state) noexcept;

/// True if `now` is what the kernel makes of `mask` when the last online CPU of it goes offline:
/// all others that are online then; and it stays so when the CPU comes back. `online`: those now.
/// Source: Linux kernel/irq/cpuhotplug.c, migrate_one_irq().
[[nodiscard]] bool is_widened(const CpuSet& mask, const CpuSet& now, const CpuSet& online);

/// What the end of a failed run made of a write that was fine by itself.
enum class Aftermath : std::uint8_t { none, put_back, not_tried };

/// A refusal is data here, not an exception.
struct Outcome {
  Write write;
  IrqNumber irq{};  ///< The number that was written, after renumbering.
  WriteState state = WriteState::failed;
  std::optional<CpuSet> effective;  ///< As read back.
  std::string error;                ///< "Input/output error"; empty if none.
  std::string hint;                 ///< What to do about `error`.
  Aftermath aftermath = Aftermath::none;

  /// How often the effective CPU had counted it when it still was pending there, at the end of the
  /// run; empty optional if it is not pending or that could not be read.
  std::optional<std::uint64_t> counted = std::nullopt;
};

/// True if this write itself came to nothing, and not for the sake of another.
[[nodiscard]] bool is_refused(const Outcome& outcome) noexcept;

enum class ApplyState { committed, rolled_back, partial, dry_run, nothing_to_do };

[[nodiscard]] std::string_view apply_state_text(ApplyState state) noexcept;

/// What `apply` or `roll_back` did.
struct ApplyReport {
  std::string id;         ///< Of the journal; empty for a dry run and where nothing was to do.
  bool rollback = false;  ///< Of a rollback: each outcome tells what became of putting it back.
  ApplyState state = ApplyState::nothing_to_do;
  std::vector<Outcome> outcomes;  ///< In the order of the writes.
  std::vector<std::string> warnings;
  std::string problem;  ///< Of a rollback: what else is not as it should be; empty if nothing.
  std::string hint;     ///< What to do about `problem`.
};

/// The state of a journal.
enum class JournalState {
  open,         ///< Interrupted: rollback is due.
  committed,    ///< Applied, and not rolled back.
  partial,      ///< Applied with --keep-going, or undone in part: something is left.
  rolled_back,  ///< As it was before.
};

[[nodiscard]] std::string_view journal_state_text(JournalState state) noexcept;

/// One line of `history`.
struct HistoryEntry {
  std::string id;
  JournalState state = JournalState::open;
  std::string started;   ///< UTC, "2026-03-01T12:34:56Z"
  std::string finished;  ///< As `started`; empty if interrupted.
  std::string user;      ///< Login name, through sudo
  std::string plan_digest;
  bool this_boot = true;   ///< Was written in the boot that runs now.
  std::size_t writes = 0;  ///< Masks intended.
  std::size_t done = 0;    ///< Masks written.
  std::size_t undone = 0;  ///< Masks put back.
  std::string problem;     ///< Why it cannot be read; empty if it can.
  std::string other_root;  ///< What was written below, if that is not the root in use.
};

}  // namespace irqtune
