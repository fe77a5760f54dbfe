// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"
#include "irqtune/core/error.h"

#include "cli/selection.h"
#include "cli/support.h"

#include <filesystem>
#include <ostream>
#include <system_error>

namespace irqtune {

namespace {

/// True if this user may not look into the directory, or into the journals in it.
bool is_closed(const std::filesystem::path& directory) {
  std::error_code error;
  const std::filesystem::directory_iterator own(directory, error);
  const bool closed = error == std::errc::permission_denied;
  const std::filesystem::directory_iterator journals(directory / "journal", error);
  return closed || error == std::errc::permission_denied;
}

/// Says so where this user may not read it: that is no failure of what was applied.
std::vector<HistoryEntry> readable_history(const Context& context, const Session& session) {
  try {
    return may_have_journals(context) ? history(session) : std::vector<HistoryEntry>{};
  } catch (const Error& error) {
    if (!is_closed(session.state_dir)) {
      throw;
    }
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
  // In a configuration file it says how many, not that each listing is to prune.
  const bool prunes = !options.action.empty() || !is_configured(context.call, "--keep");
  if (options.keep && prunes) {
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
