// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms.h"

#include <algorithm>
#include <tuple>

#include "read/vms/sources.h"

namespace irqtune {

VmsRead read_vms(const Sysfs& sysfs,
                 const Topology& topology,
                 const std::vector<PciDevice>& devices) {
  auto processes = read_processes(sysfs, {}, devices);
  VmsRead result;
  for (auto& found : processes.vms) {
    result.vms.push_back(std::move(found.vm));
  }
  result.vfio_users = std::move(processes.vfio_users);
  result.warnings = std::move(processes.warnings);
  std::ranges::sort(result.vms, {}, [](const Vm& vm) { return std::tie(vm.name, vm.pid); });
  mark_pins(result.vms, topology);
  return result;
}

}  // namespace irqtune
