// SPDX-License-Identifier: Apache-2.0
#include "cli/beside_watch.h"

#include "cli/failures.h"

#include <fmt/format.h>

#include <chrono>
#include <ostream>
#include <string_view>

namespace irqtune {

namespace {

constexpr std::chrono::minutes kPatience{1};

bool in_file(const Context& context, std::string_view option) {
  return context.call.config.lines.contains({context.call.name, std::string(option)});
}

/// True if the apply means something else than "put everything in its place": what its
/// configuration says is no wish of this run.
bool has_own_options(const ApplyCommand& options, const Context& context) {
  const auto given = [&](bool set, std::string_view option) {
    return set && !in_file(context, option);
  };
  return !context.call.selection.empty() || !options.plan_file.empty() ||
         given(options.wait_stable.has_value(), "wait-stable") ||
         given(!options.wait_for.empty(), "wait-for") || given(options.keep_going, "keep-going") ||
         given(options.strict, "strict") || given(options.force, "force") ||
         given(options.measure.has_value(), "measure") ||
         given(options.verify_timeout != ApplyCommand{}.verify_timeout, "verify-timeout");
}

}  // namespace

void require_no_watch(const Session& session, const std::string& command) {
  if (const auto watch = running_watch(session)) {
    throw watch_runs(*watch, command);
  }
}

std::optional<ExitCode> apply_by_watch(const ApplyCommand& options,
                                       const Session& session,
                                       const Context& context) {
  const auto watch = running_watch(session);
  if (!watch) {
    return std::nullopt;
  }
  if (has_own_options(options, context)) {
    throw watch_runs(*watch, "apply, with options of its own");
  }
  const auto report = ask_watch(session, *watch, kPatience);
  print_warnings(context, report.warnings);
  context.err << in_full(failures_text(report), context.style.program);
  if (context.call.json) {
    context.out << apply_json(report);
  } else if (!context.call.quiet) {
    context.out << fmt::format("By irqtune watch (PID {}), which planned now.\n", watch->pid)
                << apply_text(report, context.style);
  }
  return report.state == ApplyState::partial ? ExitCode::partial : ExitCode::ok;
}

}  // namespace irqtune
