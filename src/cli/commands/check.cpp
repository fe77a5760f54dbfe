// SPDX-License-Identifier: Apache-2.0
#include "cli/checked.h"

#include <ostream>

namespace irqtune {

ExitCode run(const CheckOptions& options, const Context& context) {
  const auto [planned, drift] = check_host(context, options.policy);
  print_warnings(context, planned.plan.warnings);
  if (context.call.json) {
    context.out << check_json(planned.plan, drift);
  } else if (!context.call.quiet) {
    context.out << check_text(planned.plan, drift, context.style);
  }
  return drift.entries.empty() ? ExitCode::ok : ExitCode::differs;
}

}  // namespace irqtune
