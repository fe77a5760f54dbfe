// SPDX-License-Identifier: Apache-2.0
// The command lines of VMMs, the names of their threads, addresses as people write them.
#include "irqtune/core/cpu_set.h"
#include "irqtune/read/vms/sources.h"

#include <algorithm>

#include "fuzz/fuzz.h"

using irqtune::PciAddress;
using irqtune::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = irqtune::fuzz::text_of(data, size);
  const auto command = irqtune::parse_vmm_command(text);
  require(std::ranges::is_sorted(command.devices), "devices stand by address");
  require(!command.vcpus || (*command.vcpus > 0 && *command.vcpus < irqtune::CpuSet::kMaxCpus),
          "a VM has a possible number of vCPUs");
  const auto vcpu = irqtune::vcpu_of_thread(text);
  require(!vcpu || *vcpu >= 0, "a vCPU has a number");
  bool any = false;
  for (const auto& address :
       {irqtune::parse_loose_address(text, &any), irqtune::parse_loose_address(text)}) {
    require(!address || PciAddress::parse(address->to_string()) == address,
            "an address is its text");
  }
  return 0;
}
