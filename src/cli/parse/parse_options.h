// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands.h"

#include <functional>
#include <string_view>

namespace CLI {
class App;
}  // namespace CLI

namespace irqtune {

/// The options of every command, as far as they are typed or in the configuration file.
struct CommandOptions {
  ShowOptions show;
  PlanOptions plan;
  ExplainOptions explain;
  ApplyCommand apply;
  RollbackCommand rollback;
  HistoryOptions history;
  CheckOptions check;
  DiagnoseOptions diagnose;
  SnapshotCommand snapshot;
  MeasureCommand measure;
  TopCommand top;
  WatchCommand watch;
  MetricsOptions metrics;
  ReportCommand report;
};

/// Which commands are declared.
using Wanted = std::function<bool(std::string_view)>;

/// Declares the global options and the wanted commands with theirs. Parsing fills `call` and
/// `options`, which must outlive `app`.
void add_options(CLI::App& app, Invocation& call, CommandOptions& options, const Wanted& wants);

}  // namespace irqtune
