// SPDX-License-Identifier: Apache-2.0
#include "irqtune/watch/watch.h"

#include "irqtune/apply/watch_status.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "cli/failures.h"
#include "cli/metrics_file.h"
#include "cli/selection.h"
#include "cli/support.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <sstream>

namespace irqtune {

namespace {

WatchSettings settings_of(const WatchCommand& options) {
  constexpr double kMilli = 1000;
  WatchSettings settings;
  settings.settle = std::chrono::milliseconds(options.settle);
  settings.check_every =
      std::chrono::milliseconds(static_cast<std::int64_t>(options.check_every * kMilli));
  settings.keep_default = options.keep_default;
  settings.restore = options.restore;
  settings.ban = options.irqbalance == "ban";
  settings.rebalance_on_load = options.rebalance_on_load;
  return settings;
}

/// The command line, read again with the configuration file as it is now. Throws Error, or returns
/// what is wrong.
std::variant<Invocation, std::string> read_again(const Invocation& call) {
  std::vector<const char*> arguments;
  for (const auto& argument : call.arguments) {
    arguments.push_back(argument.c_str());
  }
  std::ostringstream out;
  std::ostringstream err;
  auto parsed = parse_command_line(static_cast<int>(arguments.size()), arguments.data(), out, err);
  if (auto* again = std::get_if<Invocation>(&parsed)) {
    return std::move(*again);
  }
  const auto text = err.str();
  auto line = text.substr(0, text.find('\n'));
  constexpr std::string_view kPrefix = "irqtune: ";
  return line.starts_with(kPrefix) ? line.substr(kPrefix.size()) : line;
}

/// What the watch goes by, which SIGHUP exchanges.
struct Current {
  Invocation call;
  WatchCommand command;
};

/// As the configuration of now has it.
Context now_of(const Current& current, const Context& context) {
  return {context.sysfs,
          current.call,
          context.cpu_text,
          context.style,
          false,
          context.out,
          context.err};
}

/// What happens must not wait for rates: on a tree they take no time.
PolicyOptions policy_options_of(const Current& current, const Context& context, bool rates) {
  auto options = current.command.policy;
  if (!rates) {
    options.sample = context.sysfs.live() ? std::optional(0.0) : std::nullopt;
  }
  return options;
}

Wanted read_wanted(const Current& current, const Context& context, bool rates) {
  const auto now = now_of(current, context);
  const auto policy_options = policy_options_of(current, context, rates);
  auto policy = policy_of(policy_options);
  auto host = read_host_for(now, policy_options, detail_for(policy), false);
  settle_selection(host, policy, now.call);
  return {std::move(host), std::move(policy)};
}

std::optional<std::string> reload(Current& current, const Context& context, WatchSettings& to) {
  try {
    auto again = read_again(current.call);
    if (const auto* wrong = std::get_if<std::string>(&again)) {
      return *wrong;
    }
    Current next{std::get<Invocation>(std::move(again)), {}};
    next.call.arguments = current.call.arguments;
    next.command = std::get<WatchCommand>(next.call.command);
    static_cast<void>(read_wanted(next, context, false));
    to = settings_of(next.command);
    current = std::move(next);
    return std::nullopt;
  } catch (const Error& error) {
    return std::string(error.what());
  }
}

/// Writes the metrics: the host is looked at only where something was done.
void publish(const Current& current,
             const Context& context,
             const WatchStatus& status,
             bool changed,
             std::string& text) {
  const auto& path = current.command.metrics;
  if (path.empty()) {
    return;
  }
  if (changed || text.empty()) {
    const auto now = now_of(current, context);
    text = metrics_of(now, policy_options_of(current, context, false), status);
  }
  write_metrics(path, text, "name another file with --metrics");
}

ExitCode code_of(const ApplyReport& report) {
  return report.state == ApplyState::partial ? ExitCode::partial : ExitCode::ok;
}

}  // namespace

ExitCode run(const WatchCommand& options, const Context& context) {
  require_writable_root(context, "watch");
  if (const auto why = why_not_writable(context.sysfs)) {
    throw Error(ErrorKind::applying, *why);
  }
  auto current = Current{context.call, options};
  WatchOptions watched;
  watched.settings = settings_of(options);
  watched.session = session_of(context, read_host_id(context.sysfs));
  watched.read = [&](bool rates) { return read_wanted(current, context, rates); };
  watched.reload = [&](WatchSettings& to) { return reload(current, context, to); };
  watched.publish = [&, text = std::string()](const WatchStatus& status, bool changed) mutable {
    publish(current, context, status, changed, text);
  };
  watched.log = [&](const std::string& line) {
    if (!context.call.quiet) {
      context.err << fmt::format("irqtune: {}\n", printable(line)) << std::flush;
    }
  };
  watched.warn = [&](const std::string& line) {
    say_warnings(context, {in_full(line, context.style.program)});
    context.err << std::flush;
  };
  if (const auto running = running_watch(watched.session)) {
    throw watch_runs(*running, "watch");
  }
  const Lock lock(watched.session, std::chrono::milliseconds(0));
  const auto restored = watch(context.sysfs, watched);
  if (!restored) {
    return ExitCode::ok;
  }
  context.err << in_full(failures_text(*restored), context.style.program);
  if (!context.call.quiet) {
    context.out << apply_text(*restored, context.style);
  }
  return code_of(*restored);
}

}  // namespace irqtune
