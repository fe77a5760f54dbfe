// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/clock.h"
#include "irqtune/sys/sysfs.h"
#include "irqtune/sys/tree_writer.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace irqtune {

struct SnapshotOptions {
  /// Replaces names of the host and its VMs, UUIDs and MAC addresses by others, each always by the
  /// same, and leaves out paths, and whatever else of a VM's configuration the planner does not
  /// look at. Names keep their order, so that a plan differs in names only.
  bool anonymize = false;

  /// Seconds between two readings of what moves; the second goes to sample2/. Only of a live host:
  /// a tree's own sample2/ is copied.
  std::optional<double> sample;

  /// Called about every 100 ms during the wait, with the seconds left; may be empty.
  std::function<void(double)> on_wait;
  Clock clock;
};

struct SnapshotReport {
  std::size_t files = 0;
  std::size_t bytes = 0;              ///< Of all files, uncompressed.
  std::vector<std::string> warnings;  ///< What is there and could not be read.
};

/// What irqtune reads of the host, file by file. The environment of a process is never part of it.
[[nodiscard]] TreeItems collect_snapshot(const Sysfs& sysfs,
                                         const SnapshotOptions& options,
                                         std::vector<std::string>& warnings);

/// collect_snapshot() into a ".tar.gz" or a directory that every command takes by --root.
/// Throws as write_tree(), before anything is read where `output` cannot be used.
SnapshotReport write_snapshot(const Sysfs& sysfs,
                              const std::filesystem::path& output,
                              const SnapshotOptions& options);

}  // namespace irqtune
