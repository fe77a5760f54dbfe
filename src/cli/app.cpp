// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/read/cpus/lscpu.h"

#include "cli/commands.h"
#include "cli/failures.h"
#include "cli/parse/parse_config.h"
#include "cli/support.h"

#include <fmt/format.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

namespace irqtune {

namespace {

void set_up_log(int verbose, std::ostream& err) {
  auto logger = std::make_shared<spdlog::logger>(
      "irqtune", std::make_shared<spdlog::sinks::ostream_sink_st>(err));
  logger->set_pattern("irqtune: %l: %v");
  logger->set_level(verbose > 1    ? spdlog::level::trace
                    : verbose == 1 ? spdlog::level::debug
                                   : spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

bool wants_color(const std::string& mode, const std::ostream& out) {
  if (mode != "auto") {
    return mode == "always";
  }
  // Source: https://no-color.org
  return &out == &std::cout && ::isatty(STDOUT_FILENO) == 1 && environment("NO_COLOR").empty() &&
         environment("TERM") != "dumb";
}

/// The size of the terminal that standard output is; empty if it is none.
std::optional<winsize> terminal_of(const std::ostream& out) {
  winsize size{};
  const bool terminal = &out == &std::cout && ::isatty(STDOUT_FILENO) == 1 &&
                        ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return terminal ? std::optional(size) : std::nullopt;
}

/// How many columns the reader has: what COLUMNS says, else the terminal; none for a file or a
/// pipe.
std::optional<std::size_t> columns_of(const std::ostream& out) {
  if (const auto columns = parse_number<std::uint16_t>(environment("COLUMNS")); columns > 0) {
    return *columns;
  }
  const auto terminal = terminal_of(out);
  return terminal && terminal->ws_col > 0 ? std::optional<std::size_t>(terminal->ws_col)
                                          : std::nullopt;
}

TextStyle style_for(const Invocation& call, const Sysfs& sysfs, const std::ostream& out) {
  constexpr std::size_t kNarrowest = 40;
  TextStyle style;
  style.color = wants_color(call.no_color ? "never" : call.color, out);
  style.verbose = call.verbose > 0;
  if (const auto columns = columns_of(out)) {
    style.width = std::max(*columns, kNarrowest);
    style.fold = true;
  }
  const auto terminal = terminal_of(out);
  style.height = terminal ? terminal->ws_row : 0;
  style.flat = call.table.flat || !terminal;
  style.rows = call.table.flat || call.table.no_headings || !call.table.columns.empty();
  style.headings = !call.table.no_headings;
  style.columns = call.table.columns;
  style.options = call.options;
  style.snapshot = sysfs.in_memory();
  style.program = sysfs.in_memory() ? "irqtune" : call.program;
  style.selection = call.selection;
  return style;
}

/// `code`, unless the result could not be printed. What was applied stays so: 1 would say that the
/// host is as it was before.
ExitCode flushed(ExitCode code, bool changed, std::ostream& out, std::ostream& err) {
  const bool early = !out;  // Then it is no longer known why.
  errno = 0;
  out.flush();
  if (out) {
    return code;
  }
  if (early && &out == &std::cout && ::write(STDOUT_FILENO, "\n", 1) == 1) {
    errno = 0;
  }
  const auto why = errno != 0 ? ": " + std::generic_category().message(errno) : std::string();
  err << fmt::format("irqtune: standard output: cannot write{}\n", why);
  if (!changed) {
    err << "hint: what was printed is not all there is; nothing was changed\n";
    return ExitCode::failed;
  }
  err << "hint: the exit code is that of what was done; `irqtune history` shows it\n";
  return code;
}

/// Runs the command. An error about an option says where in the configuration file it is, if it is.
ExitCode run_command(const Context& context) {
  const auto& call = context.call;
  try {
    return std::visit([&](const auto& options) { return run(options, context); }, call.command);
  } catch (const Error& error) {
    const bool usage = error.kind() == ErrorKind::usage;
    throw Error(error.kind(),
                usage ? name_config(error.what(), call.config, call.name) : error.what(),
                in_full(error.hint(), context.style.program));
  }
}

/// Throws Error{usage} if standard input is to be two things: it can be read once.
void require_one_reader(const Invocation& call) {
  std::vector<std::pair<std::string_view, std::string_view>> inputs = {{"--lscpu", call.lscpu}};
  if (const auto* apply = std::get_if<ApplyCommand>(&call.command)) {
    inputs.emplace_back("the plan", apply->plan_file);
  }
  if (const auto* diagnose = std::get_if<DiagnoseOptions>(&call.command)) {
    inputs.emplace_back("--esx", diagnose->esx);
    inputs.emplace_back("--esx-console", diagnose->esx_console);
  }
  std::vector<std::string_view> readers;
  for (const auto& [what, path] : inputs) {
    if (path == "-" || path == "/dev/stdin") {
      readers.push_back(what);
    }
  }
  if (readers.size() > 1) {
    throw Error(ErrorKind::usage,
                fmt::format("{} and {} cannot both be standard input", readers[0], readers[1]),
                "give one of them as a file, or as <(COMMAND)");
  }
}

std::optional<CpuText> cpu_text_of(const Invocation& call) {
  if (call.lscpu.empty()) {
    return std::nullopt;
  }
  try {
    const auto text = read_input(call.lscpu, "--lscpu", "what lscpu or numactl --hardware printed");
    return parse_cpu_text(text, input_name(call.lscpu));
  } catch (const Error& error) {
    const auto line = call.config.lines.find({"", "lscpu"});
    throw line == call.config.lines.end()
        ? error
        : Error(error.kind(),
                fmt::format("{}:{}: lscpu: {}", call.config.path, line->second, error.what()),
                error.hint());
  }
}

ExitCode parse_and_run(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  auto parsed = parse_command_line(argc, argv, out, err);
  if (const auto* code = std::get_if<ExitCode>(&parsed)) {
    return flushed(*code, false, out, err);
  }
  auto& call = std::get<Invocation>(parsed);
  set_up_log(call.verbose, err);
  Sysfs sysfs(call.root);
  const auto style = style_for(call, sysfs, out);
  const bool progress = &err == &std::cerr && ::isatty(STDERR_FILENO) == 1;
  require_one_reader(call);
  const Context context{std::move(sysfs), call, cpu_text_of(call), style, progress, out, err};
  const bool changes =
      std::visit([](const auto& options) { return changes_host(options); }, call.command);
  // Until the result is printed: a reader that went away must not change the exit code.
  std::optional<SignalGuard> signals;
  if (changes) {
    signals.emplace();
  }
  const auto code = run_command(context);
  return flushed(code, changes, out, err);
}

void print_error(std::ostream& err, const Error& error) {
  err << "irqtune: " << printable(error.what()) << '\n';
  if (!error.hint().empty()) {
    err << "hint: " << printable(error.hint()) << '\n';
  }
}

}  // namespace

ExitCode exit_code_for(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::usage:
      return ExitCode::usage;
    case ErrorKind::host:
    case ErrorKind::applying:
      return ExitCode::failed;
    case ErrorKind::stranded:
      return ExitCode::partial;
    case ErrorKind::busy:
      return ExitCode::busy;
  }
  return ExitCode::failed;
}

ExitCode run_cli(int argc, const char* const* argv, std::ostream& out, std::ostream& err) noexcept {
  try {
    return parse_and_run(argc, argv, out, err);
  } catch (const Error& error) {
    print_error(err, error);
    return exit_code_for(error.kind());
  } catch (const std::exception& error) {
    err << "irqtune: internal error: " << printable(error.what()) << '\n';
    return ExitCode::failed;
  }
}

}  // namespace irqtune
