// SPDX-License-Identifier: Apache-2.0
#include "cli/journal_marks.h"

#include "irqtune/apply/apply.h"
#include "irqtune/core/error.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace irqtune {

namespace {

/// What was applied to a tree stands there, though no kernel obeyed. Where journals cannot be read,
/// which is the business of the commands that are about them, any mask may be one of theirs.
void mark_tree_writes(const Context& context, Host& host) {
  if (context.sysfs.live()) {
    return;
  }
  const auto session = session_of(context, host.id);
  bool all = false;
  try {
    mark_written(standing_writes(session), host);
    all = !unread_journals(session).empty();
  } catch (const Error& error) {
    spdlog::debug("what was applied to this tree is not known: {}", error.what());
    all = true;
  }
  for (auto& irq : host.irqs) {
    irq.written_to_tree = irq.written_to_tree || all;
  }
}

/// A vector that its old CPU counts on, long after its mask was written, is not on its way.
void mark_counted(const Context& context, Host& host) {
  try {
    mark_counted(pending_moves(session_of(context, host.id)), host);
  } catch (const Error& error) {
    spdlog::debug("which vectors were pending is not known: {}", error.what());
  }
}

void mark_managed(const Identity& identity, Host& host) {
  const auto irq = std::ranges::find(host.irqs, identity.irq, &Irq::number);
  if (irq != host.irqs.end() && !irq->vector && irq->actions == identity.actions) {
    irq->settable = false;
  }
}

/// Before Linux 6.12 only a refused write tells of a managed interrupt: the journals know which
/// were refused.
void mark_managed(const Context& context, Host& host) {
  try {
    for (const auto& identity : managed_interrupts(session_of(context, host.id))) {
      mark_managed(identity, host);
    }
  } catch (const Error& error) {
    spdlog::debug("which interrupts were found managed is not known: {}", error.what());
  }
}

}  // namespace

void mark_from_journals(const Context& context, Detail detail, Host& host) {
  if (!may_have_journals(context)) {
    return;
  }
  mark_tree_writes(context, host);
  mark_counted(context, host);
  if (detail == Detail::devices) {
    mark_managed(context, host);
  }
}

}  // namespace irqtune
