// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_warnings.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/read/settings/meddlers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace irqtune {

namespace {

/// The drivers of the devices that the plan moves vectors of.
std::vector<std::string> drivers_of(const Plan& plan, const Sysfs& sysfs) {
  std::set<PciAddress> devices;
  for (const auto& assignment : plan.assignments) {
    if (assignment.change && assignment.device) {
      devices.insert(*assignment.device);
    }
  }
  std::set<std::string> drivers;
  for (const auto& device : devices) {
    const auto link = fmt::format("/sys/bus/pci/devices/{}/driver", device.to_string());
    drivers.insert(sysfs.link_name(link).value_or("vfio-pci"));
  }
  return {drivers.begin(), drivers.end()};
}

/// Does it stay where it costs a vCPU, although nobody said that it should?
bool is_stuck(const Assignment& assignment) {
  return assignment.blocked && *assignment.blocked != Blocked::left &&
         assignment.standing == Standing::collision;
}

}  // namespace

std::vector<std::string> meddler_warnings(const Plan& plan, bool strict, const Sysfs& sysfs) {
  std::vector<std::string> warnings;
  if (change_count(plan) == 0) {
    return warnings;
  }
  for (const auto& meddler : find_meddlers(sysfs, drivers_of(plan, sysfs))) {
    if (!meddler.would_undo) {
      continue;
    }
    if (strict) {
      throw Error(ErrorKind::applying,
                  fmt::format("--strict: {} (pid {}) runs and would undo this; nothing was changed",
                              meddler.name,
                              meddler.pid),
                  fmt::format("{}", fmt::join(meddler.advice, " | ")));
    }
    warnings.push_back(fmt::format("{}", fmt::join(meddler.advice, "\n")));
  }
  return warnings;
}

std::vector<std::string> stuck_warnings(const Plan& plan, const std::string& selection) {
  const auto stuck = static_cast<std::size_t>(std::ranges::count_if(plan.assignments, is_stuck));
  if (stuck == 0) {
    return {};
  }
  return {
      fmt::format("{} of {} stay{} on vCPUs' cores with these options; `irqtune plan{}` says why",
                  stuck,
                  counted(plan.assignments.size(), "interrupt"),
                  stuck == 1 ? "s" : "",
                  selection)};
}

}  // namespace irqtune
