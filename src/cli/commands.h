// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/cli/cli.h"
#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"
#include "irqtune/read/read.h"
#include "irqtune/report/report.h"
#include "irqtune/sys/sysfs.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace irqtune {

/// What selects and places vectors; the same for every command that plans. Texts are as typed;
/// `policy_of` makes a Policy of them.
struct PolicyOptions {
  std::vector<std::string> devices;
  std::vector<std::string> skip_devices;
  std::vector<std::string> vms;
  std::string policy = "avoid";
  std::vector<std::string> vm_policies;  ///< "NAME=POLICY", "GLOB=POLICY"
  std::string scope = "passthrough";
  std::string avoid;
  std::string housekeeping;
  std::string default_set;
  std::string pool = "node";
  bool no_protect_siblings = false;
  bool include_defined = false;
  bool trust_user_vms = false;
  std::vector<std::string> trusted_users;
  std::vector<std::string> assume_nodes;  ///< "ADDR=N"
  std::optional<double> sample;           ///< Seconds
  double min_gain = 10;
  std::optional<int> max_vectors_per_cpu;
  std::string near = "device";
  double busy_threshold = 80;
  bool rebalance = false;
  bool default_affinity = false;
};

struct ShowOptions {
  std::string section;  ///< Empty: the summary (as JSON: everything).
  PolicyOptions policy;
};

struct PlanOptions {
  PolicyOptions policy;
  std::string output;  ///< Empty, or "-": standard output.
  std::string format;  ///< table, json or script; empty: json into a file, else table.
  bool detailed_exitcode = false;
};

/// How long to wait for another irqtune to end; zero: not at all.
struct LockOptions {
  double wait = 0;  ///< Seconds
};

struct ApplyCommand {
  PolicyOptions policy;
  std::string plan_file;  ///< Empty: plan now.
  bool repair = false;    ///< Only what `check` names.
  bool dry_run = false;
  bool detailed_exitcode = false;     ///< Of a dry run.
  std::optional<double> wait_stable;  ///< Seconds without change
  std::vector<std::string> wait_for;  ///< Names of VMs and addresses
  double timeout = 60;                ///< Seconds, for both
  bool keep_going = false;
  double verify_timeout = 1;  ///< Seconds
  LockOptions lock;
  bool strict = false;
  bool force = false;
  std::optional<double> measure;  ///< Seconds, before and after.

  [[nodiscard]] bool changes_host() const noexcept { return !dry_run; }
};

struct RollbackCommand {
  std::string id;
  bool all = false;
  bool dry_run = false;
  bool force = false;
  LockOptions lock;

  [[nodiscard]] bool changes_host() const noexcept { return !dry_run; }
};

struct HistoryOptions {
  std::string action;               ///< "prune"; empty: list.
  std::optional<std::size_t> keep;  ///< Prune to so many first; without "prune" too, as it was.
};

struct ExplainOptions {
  PolicyOptions policy;
  std::string target;  ///< IRQ, ADDRESS, ADDRESS/INDEX or cpuN
};

struct CheckOptions {
  PolicyOptions policy;
  bool strict = false;  ///< Whatever is not where a plan would put it is drift.
};

struct DiagnoseOptions {
  PolicyOptions policy;
  /// "info" or "note", as the text says it, "warning" or "critical"; empty: findings are no
  /// failure.
  std::string fail_on;
  std::vector<std::string> only;  ///< Ids; empty: all.
  std::vector<std::string> skip;  ///< Ids
  double shared_rate = 500;       ///< Interrupts per second
  std::string esx;                ///< A path of this machine; empty: this is no ESX host.
  std::string esx_console;        ///< A path of this machine; empty: not given.
  std::string against;            ///< The same of an earlier table, before a remedy.
  std::uint64_t shared_count = 10'000;
};

struct SnapshotCommand {
  std::string output;
  std::optional<double> sample;  ///< Seconds
  bool anonymize = false;
};

struct MeasureCommand {
  PolicyOptions policy;
  double seconds = 10;
  std::string output;   ///< Empty, or "-": standard output.
  std::string against;  ///< A path of this machine; empty: nothing to compare with.
  bool append = false;
};

struct TopCommand {
  PolicyOptions policy;
  double interval = 1;                 ///< Seconds
  std::optional<std::uint64_t> count;  ///< Intervals; empty: until it is ended.
};

struct WatchCommand {
  PolicyOptions policy;
  unsigned settle = 20;     ///< Milliseconds
  double check_every = 30;  ///< Seconds
  bool keep_default = false;
  bool restore = false;
  std::string metrics;              ///< A path of this machine; empty: none.
  std::string irqbalance = "warn";  ///< Or "ban".
  bool rebalance_on_load = false;
};

struct ReportCommand {
  PolicyOptions policy;
  std::string output;
};

struct MetricsOptions {
  PolicyOptions policy;
  std::string output;  ///< Empty, or "-": standard output.
};

/// True for what may have changed the host by the time its result is printed: commands that write
/// to it have a member of this name that says when.
template <typename Options>
[[nodiscard]] bool changes_host(const Options& options) noexcept {
  if constexpr (requires { options.changes_host(); }) {
    return options.changes_host();
  } else {
    return false;
  }
}

/// One alternative per subcommand. A new command is an alternative here, its flags in parse.cpp and
/// a `run` overload in cmd_<name>.cpp; without the overload `std::visit` does not compile.
using Command = std::variant<ShowOptions,
                             PlanOptions,
                             ExplainOptions,
                             ApplyCommand,
                             RollbackCommand,
                             HistoryOptions,
                             CheckOptions,
                             DiagnoseOptions,
                             SnapshotCommand,
                             MeasureCommand,
                             TopCommand,
                             WatchCommand,
                             MetricsOptions,
                             ReportCommand>;

/// Which options the configuration file gave.
struct ConfigOrigin {
  std::string path;  ///< As an error should name the file; empty if none was read.
  /// Command (empty: of the program) and option, without its dashes -> the line in the file.
  std::map<std::pair<std::string, std::string>, std::size_t> lines;
};

/// An option of the command line, as it is typed again.
struct TypedOption {
  std::string name;  ///< "--vm"
  std::string text;  ///< " --vm vm1"
};

/// How tables are printed.
struct TableOptions {
  std::vector<std::string> columns;  ///< In small letters; empty: all.
  bool no_headings = false;
  bool flat = false;
};

struct Invocation {
  std::string name;                    ///< The command's
  std::vector<std::string> arguments;  ///< All of them, with the program, to be read once more.
  std::string program;             ///< How to call irqtune for the same host: "irqtune --root DIR".
  std::string selection;           ///< What was typed of PolicyOptions: " --vm vm1"; or empty.
  std::vector<TypedOption> typed;  ///< The same, one by one, and --config.
  std::string root = "/";
  std::string state_dir;  ///< Empty: /var/lib/irqtune under the root.
  std::string lscpu;
  bool json = false;
  bool quiet = false;   ///< -q: no tables.
  bool silent = false;  ///< -qq: no warnings either.
  int verbose = 0;
  std::string color = "auto";  ///< auto, always or never
  bool no_color = false;
  TableOptions table;
  std::vector<std::string> options;  ///< Of PolicyOptions, what was given, and where if in a file.
  ConfigOrigin config;
  Command command;
};

/// The command line as values. The only function that knows CLI11. An ExitCode means "stop now":
/// help was printed (ok) or the line made no sense (usage).
[[nodiscard]] std::variant<Invocation, ExitCode> parse_command_line(int argc,
                                                                    const char* const* argv,
                                                                    std::ostream& out,
                                                                    std::ostream& err);

/// What every command is given.
struct Context {
  Sysfs sysfs;
  Invocation call;
  std::optional<CpuText> cpu_text;  ///< Of --lscpu; a pipe can be read only once.
  TextStyle style;
  bool progress = false;  ///< Standard error is a terminal.
  std::ostream& out;
  std::ostream& err;
};

[[nodiscard]] ExitCode run(const ShowOptions& options, const Context& context);
[[nodiscard]] ExitCode run(const PlanOptions& options, const Context& context);
[[nodiscard]] ExitCode run(const ExplainOptions& options, const Context& context);
[[nodiscard]] ExitCode run(const ApplyCommand& options, const Context& context);
[[nodiscard]] ExitCode run(const RollbackCommand& options, const Context& context);
[[nodiscard]] ExitCode run(const HistoryOptions& options, const Context& context);
[[nodiscard]] ExitCode run(const CheckOptions& options, const Context& context);
[[nodiscard]] ExitCode run(const DiagnoseOptions& options, const Context& context);
[[nodiscard]] ExitCode run(const SnapshotCommand& options, const Context& context);
[[nodiscard]] ExitCode run(const MeasureCommand& options, const Context& context);
[[nodiscard]] ExitCode run(const TopCommand& options, const Context& context);
[[nodiscard]] ExitCode run(const WatchCommand& options, const Context& context);
[[nodiscard]] ExitCode run(const MetricsOptions& options, const Context& context);
[[nodiscard]] ExitCode run(const ReportCommand& options, const Context& context);

}  // namespace irqtune
