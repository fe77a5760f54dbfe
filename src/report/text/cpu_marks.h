// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/protection.h"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace irqtune {

/// Short marks for what CPUs are for, and the legend of those that were given.
class CpuMarks {
 public:
  /// `protections` must outlive the object.
  explicit CpuMarks(const ProtectionMap& protections);

  /// "A2" (vCPU 2 of VM A), "A" (several of its vCPUs), "a" (sibling of one), "*" (vCPUs of several
  /// VMs), then a sign for each other reason; "." for housekeeping, "x" for offline.
  std::string mark(const Cpu& cpu);

  /// What the marks given so far mean, in lines of at most `width` columns.
  [[nodiscard]] std::string legend(std::size_t width) const;

 private:
  using Name = std::pair<std::string, std::optional<int>>;  ///< With the PID

  void add_vms(const std::vector<Protection>& reasons);
  std::string used(std::string mark);
  std::string vm_mark(const std::vector<Protection>& reasons);
  [[nodiscard]] std::string name_text(const Name& vm) const;

  const ProtectionMap& protections_;
  std::map<Name, std::string> vms_;  ///< To letters
  std::set<std::string> used_;
};

}  // namespace irqtune
