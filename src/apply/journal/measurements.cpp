// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/measurements.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "apply/journal/files.h"
#include "apply/journal/state_dir.h"
#include "sys/output_file.h"

#include <iterator>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace irqtune {

namespace {

constexpr auto kFile = "measurements.jsonl";
constexpr auto kLock = "measurements.lock";

Error failed(const Session& session, std::string_view what, std::error_code error) {
  return Error::system(ErrorKind::host,
                       (session.state_dir / kFile).native(),
                       what,
                       error,
                       write_hint(error, "give another --state-dir"));
}

std::vector<std::string> lines_in(const Session& session, const Fd& dir) {
  std::vector<std::string> lines;
  if (!dir.valid()) {
    return lines;
  }
  const Fd file(::openat(dir.get(), kFile, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) {
    if (errno == ENOENT) {
      return lines;
    }
    throw failed(session, "cannot open", std::error_code(errno, std::generic_category()));
  }
  std::string text;
  if (const auto error = read_ours(file, text)) {
    throw failed(session, "cannot read", error);
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    if (const auto line = take_until(rest, '\n'); !line.empty()) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

}  // namespace

void append_measurement(const Session& session, std::string_view line) {
  const auto dir = open_state_dir(session.state_dir, session.root, true);
  constexpr mode_t kMode = 0600;
  const Fd lock(::openat(dir.get(), kLock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kMode));
  // Two at the same moment: each adds its own. The lock ends with the descriptor.
  if (!lock.valid() || ::flock(lock.get(), LOCK_EX) != 0) {
    throw failed(session, "cannot lock", std::error_code(errno, std::generic_category()));
  }
  auto lines = lines_in(session, dir);
  lines.emplace_back(trimmed(line));
  const auto excess = lines.size() > kMeasurementsKept ? lines.size() - kMeasurementsKept : 0;
  std::string text;
  for (auto i = excess; i < lines.size(); ++i) {
    text += lines[i] + '\n';
  }
  if (const auto error = write_output_file(session.state_dir / kFile, text)) {
    throw failed(session, "cannot write", error);
  }
}

std::vector<std::string> read_measurements(const Session& session) {
  return lines_in(session, open_state_dir(session.state_dir, session.root, false));
}

}  // namespace irqtune
