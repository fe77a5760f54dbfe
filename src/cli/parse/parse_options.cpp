// SPDX-License-Identifier: Apache-2.0
#include "cli/parse/parse_options.h"

#include "cli/parse/parse_policy.h"
#include "cli/parse/parse_services.h"
#include "cli/parse/validators.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

namespace {

void add_lock(CLI::App& app, LockOptions& options) {
  add_seconds_flag(app,
                   "--wait-lock",
                   kForever,
                   options.wait,
                   "Wait for another irqtune to end (=SECONDS: at most so long)");
}

/// The columns of a command's table. Their titles are in src/report.
void add_columns(CLI::App& app, Invocation& call, const std::vector<std::string>& names) {
  add_list(app,
           "--columns",
           call.table.columns,
           fmt::format("Only these columns, in this order: {}", fmt::join(names, ",")))
      ->type_name("LIST")
      ->delimiter(',')
      ->check(one_of(names));
}

void add_new(const std::vector<std::string_view>& names, std::vector<std::string>& all) {
  for (const auto name : names) {
    if (std::ranges::find(all, name) == all.end()) {
      all.emplace_back(name);
    }
  }
}

/// Of all that `show` has a table of, each once.
std::vector<std::string> show_columns() {
  std::vector<std::string> all;
  for (const auto section : {Section::devices, Section::irqs, Section::vms}) {
    add_new(table_columns(section), all);
  }
  return all;
}

/// Of the commands that are declared.
void add_tables(CLI::App& app, Invocation& call) {
  const std::vector<std::string> changes{
      "vm", "device", "vector", "irq", "from", "to", "state", "note"};
  const std::map<std::string, std::vector<std::string>> columns = {
      {"show", show_columns()},
      {"plan", {"vm", "device", "vector", "irq", "rate/s", "now", "plan", "why"}},
      {"check", {"vm", "device", "vector", "irq", "expected", "now", "why"}},
      {"apply", changes},
      {"rollback", changes},
      {"history", {"id", "state", "written", "undone", "finished", "plan", "by"}}};
  for (auto* command : app.get_subcommands({})) {
    if (const auto found = columns.find(command->get_name()); found != columns.end()) {
      add_columns(*command, call, found->second);
    }
  }
  app.add_flag("--no-headings", call.table.no_headings, "Tables without the names of columns");
  app.add_flag("--flat", call.table.flat, "Each row of a table names its VM and device");
}

void add_show(CLI::App& app, Command& command, ShowOptions& options) {
  auto* show = app.add_subcommand("show", "The host as irqtune understands it");
  show->add_option(
          "section", options.section, "topology, devices, irqs, vms or all (default: a summary)")
      ->type_name("SECTION")
      ->transform(one_of_plurals({"topology", "devices", "irqs", "vms", "all"}));
  add_list(*show, "--device", options.policy.devices, "Only these devices (repeatable)")
      ->type_name("ADDR|GLOB");
  add_list(*show, "--vm", options.policy.vms, "Only these VMs and their devices (repeatable)")
      ->type_name("NAME|GLOB");
  add_protection(*show, options.policy);
  show->final_callback([&] { command = options; });
}

void add_plan(CLI::App& app, Command& command, PlanOptions& options) {
  auto* plan = app.add_subcommand("plan", "Where each vector should go, and why; writes nothing");
  add_policy(*plan, options.policy);
  plan->add_option("-o,--output", options.output, "Write the plan to a file, as JSON")
      ->type_name("FILE")
      ->check(not_empty());
  plan->add_option("--format", options.format, "table, json, or script: shell commands")
      ->check(one_of({"table", "json", "script"}))
      ->type_name("FORMAT");
  plan->add_flag(
      "--detailed-exitcode", options.detailed_exitcode, "Exit with 3 if something would change");
  plan->final_callback([&] { command = options; });
}

void add_explain(CLI::App& app, Command& command, ExplainOptions& options) {
  auto* explain =
      app.add_subcommand("explain", "Why a vector goes where it goes; who protects a CPU");
  explain->add_option("target", options.target, "IRQ, ADDRESS[/INDEX] or cpuN")
      ->type_name("WHAT")
      ->check(not_empty())
      ->required();
  add_policy(*explain, options.policy);
  explain->final_callback([&] { command = options; });
}

void add_apply(CLI::App& app, Command& command, ApplyCommand& options) {
  auto* apply = app.add_subcommand("apply", "Carry a plan out: journal, write, verify");
  apply
      ->add_option("plan",
                   options.plan_file,
                   "A plan made by plan --json, - for standard input (default: plan now)")
      ->type_name("PLAN.json")
      ->check(not_empty());
  add_policy(*apply, options.policy);
  apply
      ->add_flag("--repair",
                 options.repair,
                 "Only what check names; every other vector is left where it is")
      ->excludes("plan");
  auto* dry_run = apply->add_flag(
      "-n,--dry-run", options.dry_run, "Say what would change; opens nothing for writing");
  apply
      ->add_flag("--detailed-exitcode",
                 options.detailed_exitcode,
                 "With --dry-run: exit with 3 if something would change")
      ->needs(dry_run);
  add_seconds_flag(*apply,
                   "--wait-stable",
                   2,
                   options.wait_stable,
                   "First wait until the vectors have not changed for 2 s (=SECONDS)");
  apply
      ->add_option("--wait-for",
                   options.wait_for,
                   "First wait until the VM runs, or the device is passed through")
      ->type_name("VM|ADDRESS")
      ->check(not_empty());
  apply
      ->add_option(
          "--timeout", options.timeout, "Longest wait of both (60): then what is there is applied")
      ->type_name("SECONDS")
      ->check(in_range(0.0, kForever));
  apply->add_flag(
      "--keep-going", options.keep_going, "Leave what was written when something is refused");
  apply
      ->add_option(
          "--verify-timeout", options.verify_timeout, "Longest wait for the kernel to follow (1)")
      ->type_name("SECONDS")
      ->check(in_range(0.0, 3600.0));
  add_lock(*apply, options.lock);
  add_seconds_flag(*apply,
                   "--measure",
                   10,
                   options.measure,
                   "Measure for 10 s (=SECONDS) before and after, and compare");
  apply->add_flag(
      "--strict", options.strict, "Refuse while irqbalance or TuneD would undo the work");
  apply->add_flag("--force", options.force, "Go past a refusal that says so");
  apply->final_callback([&] { command = options; });
}

void add_esx(CLI::App& app, DiagnoseOptions& options) {
  auto* esx =
      app.add_option(
             "--esx", options.esx, "Look at a classic ESX host's /proc/vmware/interrupts instead")
          ->type_name("FILE")
          ->check(not_empty());
  app.add_option("--esx-console",
                 options.esx_console,
                 "The service console's /proc/interrupts, which names the drivers")
      ->type_name("FILE")
      ->check(not_empty())
      ->needs(esx);
  app.add_option("--against",
                 options.against,
                 "With --esx: the table of before a remedy; what became of each shared line")
      ->type_name("FILE")
      ->check(not_empty())
      ->needs(esx);
  app.add_option("--shared-count",
                 options.shared_count,
                 "With --esx: shared lines with so many interrupts do not hurt (10000)")
      ->type_name("COUNT")
      ->check(whole_in_range(0, std::uint64_t{1} << 53));
}

void add_diagnose(CLI::App& app, Command& command, DiagnoseOptions& options) {
  auto* diagnose =
      app.add_subcommand("diagnose", "What hurts on this host, and what to do; changes nothing");
  add_policy(*diagnose, options.policy);
  diagnose
      ->add_option("--fail-on", options.fail_on, "Exit with 3 for such a finding, or a worse one")
      ->check(one_of({"info", "note", "warning", "critical"}))
      ->type_name("SEVERITY");
  add_list(*diagnose, "--only", options.only, "Only findings with this id (repeatable)")
      ->type_name("ID");
  add_list(*diagnose, "--skip", options.skip, "No findings with this id (repeatable)")
      ->type_name("ID");
  diagnose
      ->add_option("--shared-rate",
                   options.shared_rate,
                   "Host drivers may share a line with fewer interrupts per second (500)")
      ->type_name("RATE")
      ->check(in_range(0.0, 1e9));
  add_esx(*diagnose, options);
  diagnose->final_callback([&] { command = options; });
}

void add_rollback(CLI::App& app, Command& command, RollbackCommand& options) {
  auto* rollback = app.add_subcommand("rollback", "Restore what an apply changed");
  rollback
      ->add_option("id",
                   options.id,
                   "Which apply, or how its ID begins (default: the last not yet rolled back)")
      ->type_name("ID")
      ->check(not_empty());
  rollback->add_flag("--all", options.all, "Every apply that is not rolled back, newest first");
  rollback->add_flag(
      "-n,--dry-run", options.dry_run, "Say what would change; opens nothing for writing");
  rollback->add_flag("--force", options.force, "Also restore masks that someone changed since");
  add_lock(*rollback, options.lock);
  rollback->final_callback([&] { command = options; });
}

void add_history(CLI::App& app, Command& command, HistoryOptions& options) {
  auto* history =
      app.add_subcommand("history", "The journal: applies and rollbacks, with their state");
  history->add_option("action", options.action, "prune: remove old journals, as --keep says")
      ->type_name("ACTION")
      ->check(one_of({"prune"}));
  history
      ->add_option(
          "--keep", options.keep, "With prune: all but the newest N, none whose masks may stand")
      ->type_name("N")
      ->check(whole_in_range(0, 1'000'000));
  history->final_callback([&] { command = options; });
}

void add_check(CLI::App& app, Command& command, CheckOptions& options) {
  auto* check = app.add_subcommand("check", "Is everything still in place? Exit code 3 if not");
  add_policy(*check, options.policy);
  check->add_flag("--strict",
                  options.strict,
                  "Also what is elsewhere on CPUs that are as good, but for balance");
  check->final_callback([&] { command = options; });
}

void add_snapshot(CLI::App& app, Command& command, SnapshotCommand& options) {
  auto* snapshot =
      app.add_subcommand("snapshot", "Capture what irqtune reads, for --root elsewhere");
  snapshot->add_option("-o,--output", options.output, "Where to")
      ->type_name("FILE.tar.gz|DIR")
      ->check(not_empty())
      ->required();
  snapshot->add_option("--sample", options.sample, "Add a second reading so much later")
      ->type_name("SECONDS")
      ->check(in_range(0.05, 3600.0));
  snapshot->add_flag("--anonymize", options.anonymize, "Replace names, UUIDs and MACs");
  snapshot->final_callback([&] { command = options; });
}

void add_globals(CLI::App& app, Invocation& call) {
  app.add_option("--root", call.root, "Read and write below DIR (or a snapshot file) instead of /")
      ->type_name("DIR")
      ->check(not_empty())
      ->configurable(false);  // The file lies below it.
  app.add_option(
         "--state-dir", call.state_dir, "Journals and lock (/var/lib/irqtune under the root)")
      ->type_name("DIR")
      ->check(not_empty());
  app.add_option("--lscpu",
                 call.lscpu,
                 "CPU facts that lscpu or numactl --hardware printed, - for standard input")
      ->type_name("FILE")
      ->check(not_empty());
  app.add_flag("-J,--json", call.json, "Print JSON");
  app.add_option("--color", call.color, "auto (default), always or never")
      ->check(one_of({"auto", "always", "never"}))
      ->type_name("WHEN");
  app.add_flag("--no-color", call.no_color, "As --color never");
  app.add_flag_function(
      "-q,--quiet",
      [&call](std::int64_t times) {
        call.quiet = times > 0;
        call.silent = times > 1;
      },
      "No tables (-qq: no warnings either)");
  app.add_flag("-v,--verbose", call.verbose, "Say more (repeatable)");
}

void add_plans(CLI::App& app, Command& command, CommandOptions& options, const Wanted& wants) {
  if (wants("show")) {
    add_show(app, command, options.show);
  }
  if (wants("plan")) {
    add_plan(app, command, options.plan);
  }
  if (wants("explain")) {
    add_explain(app, command, options.explain);
  }
  if (wants("apply")) {
    add_apply(app, command, options.apply);
  }
  if (wants("rollback")) {
    add_rollback(app, command, options.rollback);
  }
}

void add_others(CLI::App& app, Command& command, CommandOptions& options, const Wanted& wants) {
  if (wants("history")) {
    add_history(app, command, options.history);
  }
  if (wants("check")) {
    add_check(app, command, options.check);
  }
  if (wants("snapshot")) {
    add_snapshot(app, command, options.snapshot);
  }
  if (wants("diagnose")) {
    add_diagnose(app, command, options.diagnose);
  }
}

}  // namespace

void add_options(CLI::App& app, Invocation& call, CommandOptions& options, const Wanted& wants) {
  add_globals(app, call);
  add_plans(app, call.command, options, wants);
  add_others(app, call.command, options, wants);
  add_services(app, call.command, options, wants);
  add_tables(app, call);
}

}  // namespace irqtune
