// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/sysfs.h"
#include "irqtune/sys/tree_writer.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace irqtune {

/// Copies paths of a host into a TreeItems: files with their modes, links as they stand together
/// with every link on the way, directories.
class Collector {
 public:
  explicit Collector(const Sysfs& sysfs) : sysfs_(sysfs) {}

  /// One path; what is absent is left out, what cannot be read is noted.
  void take(std::string_view path);

  /// `names`, separated by blanks and relative to it, of each directory that matches `pattern`.
  /// Both may have '*', '?' and '[...]' in each component.
  void take_all(std::string_view pattern, std::string_view names);

  /// A file that the host has not.
  void add(std::string path, std::string text);

  [[nodiscard]] TreeItems& items() noexcept { return items_; }

  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }

 private:
  void expand(const std::string& base,
              const std::vector<std::string_view>& parts,
              std::size_t next,
              std::vector<std::string>& found) const;
  std::optional<std::string> real_directory(const std::string& path, int links);
  void note(const std::string& path, std::error_code error);

  const Sysfs& sysfs_;
  TreeItems items_;
  std::map<std::string, std::optional<std::string>> real_;
  std::vector<std::string> warnings_;
};

/// Whose files of /proc/PID are taken.
struct SnapshotProcesses {
  std::set<int> vms;       ///< Whatever may be a VM, or holds a device for user space.
  std::set<int> services;  ///< Daemons that move interrupts or run VMs, and KVM's kernel threads.
  std::set<int> agents;    ///< Daemons of which only the presence counts.
};

[[nodiscard]] SnapshotProcesses find_snapshot_processes(const Sysfs& sysfs);

/// Everything but the processes and the files that move.
void take_host_files(Collector& collector);
void take_processes(Collector& collector, const SnapshotProcesses& processes);
void take_cgroups(const Sysfs& sysfs, Collector& collector);

/// Of configuration files, the lines that read_settings() reads and nothing else. If `anonymous`,
/// also without what the owner named.
void take_config(const Sysfs& sysfs, Collector& collector, bool anonymous);
void take_moving(Collector& collector, std::string_view prefix);

/// Replaces what tells whose host it is, in the items and their paths.
void anonymize(TreeItems& items, const SnapshotProcesses& processes);

}  // namespace irqtune
