// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/core/error.h"

#include "cli/support.h"

#include <ostream>

namespace irqtune {

namespace {

/// Says so where it cannot be read: that is no failure of what was applied.
std::vector<HistoryEntry> readable_history(const Context& context, const Session& session) {
  try {
    return may_have_journals(context) ? history(session) : std::vector<HistoryEntry>{};
  } catch (const Error& error) {
    say_warnings(context, {error.what()});
    return {};
  }
}

}  // namespace

ExitCode run(const HistoryOptions& options, const Context& context) {
  if (!options.action.empty() && !options.keep) {
    throw Error(ErrorKind::usage, "history prune: --keep N: missing", "say how many to keep");
  }
  const auto session = session_of(context, read_host_id(context.sysfs));
  if (options.keep) {
    require_writable_root(context, "history prune");
    if (has_state_dir(session)) {
      const Lock lock(session.state_dir, std::chrono::milliseconds(0), session.root);
      static_cast<void>(prune_journals(session, *options.keep));
    }
  }
  const auto entries = readable_history(context, session);
  if (context.call.json) {
    context.out << history_json(entries);
  } else if (!context.call.quiet) {
    context.out << history_text(entries, context.style);
  }
  return ExitCode::ok;
}

}  // namespace irqtune
