// SPDX-License-Identifier: Apache-2.0
#include "irqtune/snapshot/snapshot.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "cli/support.h"

#include <fmt/format.h>

#include <ostream>

namespace irqtune {

ExitCode run(const SnapshotCommand& options, const Context& context) {
  if (options.output == "-") {
    throw Error(ErrorKind::usage,
                "snapshot -o -: a snapshot does not go to standard output",
                "give a file (FILE.tar.gz) or a directory");
  }
  SnapshotOptions snapshot;
  snapshot.anonymize = options.anonymize;
  snapshot.sample = options.sample;
  snapshot.on_wait = progress_of(context, "waiting for the second reading");
  const auto report = write_snapshot(context.sysfs, options.output, snapshot);
  say_warnings(context, report.warnings);  // There is no document that could hold them.
  if (!context.call.quiet && !context.call.json) {
    context.out << fmt::format("Wrote {}. Look at it with: irqtune --root {} plan\n",
                               printable(options.output),
                               shell_word(options.output));
  }
  return ExitCode::ok;
}

}  // namespace irqtune
