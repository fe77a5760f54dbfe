// SPDX-License-Identifier: Apache-2.0
// Proxmox's configurations and mappings.
#include "irqtune/read/vms/sources.h"

#include "fuzz/fuzz.h"

using irqtune::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kMostVcpus = 1 << 14;
  const auto text = irqtune::fuzz::text_of(data, size);
  const auto config = irqtune::parse_proxmox_config(text);
  require(config.vcpus >= 0 && config.vcpus <= kMostVcpus, "a VM has a possible number of vCPUs");
  require(!config.affinity || !config.affinity->empty(), "an affinity leaves a CPU");
  for (const auto& warning : config.warnings) {
    require(irqtune::fuzz::is_plain(warning), "a warning can be shown", warning);
  }
  for (const auto& [name, lists] : irqtune::parse_proxmox_mappings(text, "pve1")) {
    require(!lists.empty(), "a mapping stands for a device", name);
  }
  return 0;
}
