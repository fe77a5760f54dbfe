// SPDX-License-Identifier: Apache-2.0
// CPU lists and masks, as the kernel, libvirt and people write them.
#include "irqtune/core/cpu_set.h"
#include "irqtune/read/vms/sources.h"

#include "fuzz/fuzz.h"

using irqtune::CpuSet;
using irqtune::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = irqtune::fuzz::text_of(data, size);
  std::string why;
  const auto list = CpuSet::parse_list(text, &why);
  require(list.has_value() == why.empty(), "a list that is refused has a reason", why);
  require(irqtune::fuzz::is_plain(why), "a reason can be shown", why);
  for (const auto& set : {list, CpuSet::parse_mask(text), irqtune::parse_libvirt_list(text)}) {
    if (set) {
      require(CpuSet::parse_list(set->to_list()) == set, "a set is its list", set->to_list());
      require(CpuSet::parse_mask(set->to_mask()) == set, "a set is its mask", set->to_mask());
      require(set->cpus().size() == set->size(), "a set has its size", set->to_list());
    }
  }
  return 0;
}
