// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/metrics.h"

#include "irqtune/apply/apply.h"
#include "irqtune/core/error.h"

#include "cli/checked.h"
#include "sys/output_file.h"

#include <ostream>

namespace irqtune {

ExitCode run(const MetricsOptions& options, const Context& context) {
  const auto [planned, drift] = check_host(context, options.policy);
  const auto session = session_of(context, planned.host.id);
  const auto journals = may_have_journals(context) ? history(session) : std::vector<HistoryEntry>{};
  const auto text = metrics_text(planned.host, planned.plan, drift, journals);
  if (options.output.empty() || options.output == "-") {
    context.out << text;
  } else if (const auto error = write_output_file(options.output, text)) {
    throw Error::system(ErrorKind::host,
                        options.output,
                        "cannot write the metrics",
                        error,
                        write_hint(error, "name another file with -o"));
  }
  return ExitCode::ok;
}

}  // namespace irqtune
