// SPDX-License-Identifier: Apache-2.0
#include "cli/checked.h"
#include "cli/plan_warnings.h"

#include <algorithm>
#include <iterator>
#include <ostream>

namespace irqtune {

ExitCode run(const CheckOptions& options, const Context& context) {
  auto [planned, drift] =
      check_host(context, options.policy, options.strict ? Strictness::exact : Strictness::placed);
  std::ranges::move(meddler_warnings(planned.plan, false, context.sysfs),
                    std::back_inserter(planned.plan.warnings));
  print_warnings(context, planned.plan.warnings);
  if (context.call.json) {
    context.out << check_json(planned.plan, drift);
  } else if (!context.call.quiet) {
    context.out << check_text(planned.plan, drift, context.style);
  }
  return drift.entries.empty() ? ExitCode::ok : ExitCode::differs;
}

}  // namespace irqtune
