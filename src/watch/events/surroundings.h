// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/sys/sysfs.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace irqtune {

/// The directories whose changes may mean that a VM starts, ends or is pinned otherwise.
[[nodiscard]] std::vector<std::string> vm_directories();

/// What a plan rests on beside the vectors, looked at every two seconds for little: CPUs on line,
/// devices on vfio drivers, VMs' processes and where their vCPU threads and the handlers'
/// threads may run.
class Surroundings {
 public:
  explicit Surroundings(const Sysfs& sysfs) : sysfs_(sysfs) {}

  /// The host was read: from now on changes count against what is there now.
  void note(const Host& host);

  /// True if anything is another than at note(); once a change.
  [[nodiscard]] bool changed();

  /// True if a handler's thread may run on several CPUs: nothing keeps it where its interrupt is.
  [[nodiscard]] bool has_free_handlers() const;

 private:
  void note_handlers(const Host& host);

  [[nodiscard]] std::string text();
  [[nodiscard]] std::string devices() const;
  [[nodiscard]] std::string machines();
  [[nodiscard]] std::string threads() const;
  [[nodiscard]] std::string free_handlers() const;

  const Sysfs& sysfs_;
  std::vector<std::pair<int, int>> threads_;  // PID and TID of each vCPU, by VM.
  std::vector<int> handlers_;                 // TIDs of handlers' threads, where there are any.
  std::map<int, bool> processes_;             // Of each PID seen: is it a VM's or holds vfio?
  std::string last_;
};

}  // namespace irqtune
