// SPDX-License-Identifier: Apache-2.0
#include "irqtune/measure/measure.h"

#include "irqtune/apply/measurements.h"
#include "irqtune/core/error.h"
#include "irqtune/measure/measure_file.h"
#include "irqtune/plan/planner.h"
#include "irqtune/read/load/load.h"
#include "irqtune/report/measurement.h"

#include "cli/measured.h"
#include "cli/support.h"
#include "sys/output_file.h"

#include <ostream>

namespace irqtune {

namespace {

constexpr std::size_t kSlices = 10;

/// The earlier measurement's figures. Throws Error{usage} if the file holds none.
std::vector<Sample> earlier_samples(const std::string& path) {
  return parse_samples(read_input(path, "--against", "what `irqtune measure -o` wrote"),
                       input_name(path));
}

void write_document(const std::string& path, const std::string& document) {
  if (const auto error = write_output_file(path, document)) {
    throw Error::system(ErrorKind::host,
                        path,
                        "cannot write the measurement",
                        error,
                        write_hint(error, "name another file with -o"));
  }
}

}  // namespace

Measurement measure_host(const Context& context,
                         PolicyOptions options,
                         double seconds,
                         const std::string& shown) {
  options.sample = 0;
  const auto policy = policy_of(options);
  const auto host = read_host_for(context, options, Detail::devices, false);
  const auto plan = make_plan(host, policy);
  const auto readings =
      read_loads(context.sysfs, host, {seconds, kSlices, progress_of(context, shown), {}});
  return measure(host, plan.protections, plan.housekeeping, readings);
}

ExitCode run(const MeasureCommand& options, const Context& context) {
  const auto earlier =
      options.against.empty() ? std::vector<Sample>{} : earlier_samples(options.against);
  auto measured = measure_host(context, options.policy, options.seconds, "measuring");
  measured.compare = compare(earlier, measured.samples);
  print_warnings(context, measured.warnings);
  const auto document = measurement_json(measured);
  if (!options.output.empty() && options.output != "-") {
    write_document(options.output, document);
  }
  if (options.append) {
    require_writable_root(context, "measure --append");
    append_measurement(session_of(context, measured.host), measurement_line(measured));
  }
  if (context.call.json || options.output == "-") {
    context.out << document;
  } else if (!context.call.quiet) {
    context.out << measurement_text(measured, context.style);
  }
  return ExitCode::ok;
}

}  // namespace irqtune
