// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/change.h"

#include <algorithm>
#include <array>

namespace irqtune {

std::optional<PciAddress> device_of(const Write& write) {
  const auto& identity = write.identity;
  return !identity          ? std::nullopt
         : identity->vector ? std::optional(identity->vector->device)
                            : identity->device;
}

std::string_view write_state_text(WriteState state) noexcept {
  switch (state) {
    case WriteState::ok:
      return "ok";
    case WriteState::pending:
      return "pending";
    case WriteState::posted:
      return "posted";
    case WriteState::unchanged:
      return "unchanged";
    case WriteState::managed:
      return "managed";
    case WriteState::refused:
      return "refused";
    case WriteState::vanished:
      return "vanished";
    case WriteState::remade:
      return "remade";
    case WriteState::renumbered:
      return "renumbered";
    case WriteState::fallback:
      return "fallback";
    case WriteState::failed:
      return "failed";
    case WriteState::would_change:
      return "would_change";
  }
  return "";
}

std::optional<WriteState> parse_write_state(std::string_view text) noexcept {
  constexpr std::array kAll = {WriteState::ok,
                               WriteState::pending,
                               WriteState::posted,
                               WriteState::unchanged,
                               WriteState::managed,
                               WriteState::refused,
                               WriteState::vanished,
                               WriteState::remade,
                               WriteState::renumbered,
                               WriteState::fallback,
                               WriteState::failed,
                               WriteState::would_change};
  const auto* const found = std::ranges::find(kAll, text, write_state_text);
  return found != kAll.end() ? std::optional(*found) : std::nullopt;
}

bool is_gone(WriteState state) noexcept {
  return state == WriteState::vanished || state == WriteState::remade;
}

bool is_widened(const CpuSet& mask, const CpuSet& now, const CpuSet& online) {
  const auto others = online - mask;
  return !mask.empty() && !now.intersects(mask) && others.size() > 1 && now.contains_all(others);
}

bool is_refused(const Outcome& outcome) noexcept {
  return !is_success(outcome.state) && outcome.aftermath == Aftermath::none;
}

bool is_success(WriteState state) noexcept {
  switch (state) {
    case WriteState::ok:
    case WriteState::pending:
    case WriteState::posted:
    case WriteState::unchanged:
    case WriteState::managed:
    case WriteState::renumbered:
    case WriteState::would_change:
      return true;
    case WriteState::refused:
    case WriteState::vanished:
    case WriteState::remade:
    case WriteState::fallback:
    case WriteState::failed:
      return false;
  }
  return false;
}

std::string_view apply_state_text(ApplyState state) noexcept {
  switch (state) {
    case ApplyState::committed:
      return "committed";
    case ApplyState::rolled_back:
      return "rolled_back";
    case ApplyState::partial:
      return "partial";
    case ApplyState::dry_run:
      return "dry_run";
    case ApplyState::nothing_to_do:
      return "nothing_to_do";
  }
  return "";
}

std::string_view journal_state_text(JournalState state) noexcept {
  switch (state) {
    case JournalState::open:
      return "open";
    case JournalState::committed:
      return "committed";
    case JournalState::partial:
      return "partial";
    case JournalState::rolled_back:
      return "rolled_back";
  }
  return "";
}

}  // namespace irqtune
