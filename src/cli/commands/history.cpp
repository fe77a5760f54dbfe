// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "cli/support.h"

#include <ostream>

namespace irqtune {

ExitCode run(const HistoryOptions& options, const Context& context) {
  const auto session = session_of(context, read_host_id(context.sysfs));
  if (options.keep) {
    require_writable_root(context, "history --keep");
    if (has_state_dir(session)) {
      const Lock lock(session.state_dir, std::chrono::milliseconds(0), session.root);
      static_cast<void>(prune_journals(session, *options.keep));
    }
  }
  const auto entries = may_have_journals(context) ? history(session) : std::vector<HistoryEntry>{};
  if (context.call.json) {
    context.out << history_json(entries);
  } else if (!context.call.quiet) {
    context.out << history_text(entries, context.style);
  }
  return ExitCode::ok;
}

}  // namespace irqtune
