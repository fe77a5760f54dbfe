// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/metrics.h"

#include "irqtune/apply/apply.h"
#include "irqtune/core/error.h"

#include "cli/checked.h"
#include "cli/metrics_file.h"
#include "sys/output_file.h"

#include <optional>
#include <ostream>

namespace irqtune {

namespace {

std::optional<WatchFigures> figures_of(const std::optional<WatchStatus>& watch) {
  return watch ? std::optional(WatchFigures{
                     watch->vectors, watch->in_place, watch->let_go.size(), watch->placed})
               : std::nullopt;
}

}  // namespace

std::string metrics_of(const Context& context,
                       const PolicyOptions& options,
                       const std::optional<WatchStatus>& watch) {
  const auto [planned, drift] = check_host(context, options);
  const auto session = session_of(context, planned.host.id);
  const auto journals = may_have_journals(context) ? history(session) : std::vector<HistoryEntry>{};
  return metrics_text(planned.host, planned.plan, drift, {journals, figures_of(watch)});
}

void write_metrics(const std::string& path, const std::string& text, const std::string& elsewhere) {
  if (const auto error = write_output_file(path, text)) {
    throw Error::system(
        ErrorKind::host, path, "cannot write the metrics", error, write_hint(error, elsewhere));
  }
}

ExitCode run(const MetricsOptions& options, const Context& context) {
  const auto session = session_of(context, read_host_id(context.sysfs));
  const auto watch =
      may_have_journals(context) ? running_watch(session) : std::optional<WatchStatus>();
  const auto text = metrics_of(context, options.policy, watch);
  if (options.output.empty() || options.output == "-") {
    context.out << text;
  } else {
    write_metrics(options.output, text, "name another file with -o");
  }
  return ExitCode::ok;
}

}  // namespace irqtune
