// SPDX-License-Identifier: Apache-2.0
#include "cli/parse/parse_services.h"

#include "cli/parse/parse_policy.h"
#include "cli/parse/validators.h"

#include <cstdint>

namespace irqtune {

namespace {

void add_measure(CLI::App& app, Command& command, MeasureCommand& options) {
  auto* measure = app.add_subcommand(
      "measure", "What interrupts cost the guests, and against an earlier measurement");
  measure->add_option("--seconds", options.seconds, "How long, in ten slices (10)")
      ->type_name("S")
      ->check(in_range(0.5, 3600.0));
  measure->add_option("-o,--output", options.output, "Write the JSON document there")
      ->type_name("FILE")
      ->check(not_empty());
  measure->add_option("--against", options.against, "Compare with what -o wrote earlier")
      ->type_name("FILE")
      ->check(not_empty());
  measure->add_flag(
      "--append", options.append, "Keep it in the state directory, with the 1000 before it");
  add_protection(*measure, options.policy);
  measure
      ->add_option(
          "--housekeeping", options.policy.housekeeping, "Only these CPUs may take vectors")
      ->type_name("CPULIST")
      ->check(some_cpus());
  measure->final_callback([&] { command = options; });
}

void add_top(CLI::App& app, Command& command, TopCommand& options) {
  auto* top = app.add_subcommand(
      "top", "Live: CPUs with their interrupts a second, and the busiest vectors with their VMs");
  top->add_option("--interval", options.interval, "How often it is drawn anew (1)")
      ->type_name("SECONDS")
      ->check(in_range(0.1, 3600.0));
  top->add_option("--count", options.count, "End after so many intervals")
      ->type_name("N")
      ->check(whole_in_range(1, std::uint64_t{1} << 53));
  add_protection(*top, options.policy);
  top->final_callback([&] { command = options; });
}

void add_watch(CLI::App& app, Command& command, WatchCommand& options) {
  auto* watch = app.add_subcommand(
      "watch", "Keep it in place: a service that reacts to guests, vectors, devices and CPUs");
  add_policy(*watch, options.policy);
  watch
      ->add_option("--settle",
                   options.settle,
                   "New vectors are planned once none came for so long (20); known ones at once")
      ->type_name("MS")
      ->check(whole_in_range(1, 60'000));
  watch
      ->add_option("--check-every",
                   options.check_every,
                   "Look at each mask this often, for what no event tells (30)")
      ->type_name("SECONDS")
      ->check(in_range(1.0, 86400.0));
  watch->add_flag("--keep-default",
                  options.keep_default,
                  "The end leaves /proc/irq/default_smp_affinity as --default-affinity set it");
  watch->add_flag(
      "--restore", options.restore, "The end puts back every mask (default: they stay)");
  watch
      ->add_option("--metrics",
                   options.metrics,
                   "Write what `metrics` prints, and the watch's own, into this file every 30 s")
      ->type_name("FILE");
  watch
      ->add_option("--irqbalance",
                   options.irqbalance,
                   "warn (default); ban: has a running irqbalance leave the vectors alone")
      ->type_name("MODE")
      ->check(one_of({"warn", "ban"}));
  watch->add_flag("--rebalance-on-load",
                  options.rebalance_on_load,
                  "Plan anew while a CPU stays above --busy-threshold for a minute");
  watch->final_callback([&] { command = options; });
}

void add_metrics(CLI::App& app, Command& command, MetricsOptions& options) {
  auto* metrics =
      app.add_subcommand("metrics", "The host's state for Prometheus (OpenMetrics text)");
  add_policy(*metrics, options.policy);
  metrics->add_option("-o,--output", options.output, "Write it there, at once or not at all")
      ->type_name("FILE")
      ->check(not_empty());
  metrics->final_callback([&] { command = options; });
}

void add_report(CLI::App& app, Command& command, ReportCommand& options) {
  auto* report = app.add_subcommand("report", "The host before and after, in one HTML page");
  add_policy(*report, options.policy);
  report->add_option("-o,--output", options.output, "Where to")
      ->type_name("FILE.html")
      ->check(not_empty())
      ->required();
  report->final_callback([&] { command = options; });
}

}  // namespace

void add_services(CLI::App& app, Command& command, CommandOptions& options, const Wanted& wants) {
  if (wants("measure")) {
    add_measure(app, command, options.measure);
  }
  if (wants("top")) {
    add_top(app, command, options.top);
  }
  if (wants("watch")) {
    add_watch(app, command, options.watch);
  }
  if (wants("metrics")) {
    add_metrics(app, command, options.metrics);
  }
  if (wants("report")) {
    add_report(app, command, options.report);
  }
}

}  // namespace irqtune
