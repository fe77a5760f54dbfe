// SPDX-License-Identifier: Apache-2.0
// libvirt's domains, configured and running.
#include "irqtune/read/vms/sources.h"

#include <algorithm>

#include "fuzz/fuzz.h"

using irqtune::fuzz::is_plain;
using irqtune::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kMostVcpus = 1 << 14;
  const auto read = irqtune::parse_libvirt_domain(irqtune::fuzz::text_of(data, size), "FILE");
  require(read.domain || !read.warnings.empty(), "what is no domain has a warning");
  for (const auto& warning : read.warnings) {
    require(warning.starts_with("FILE"), "a warning names the file", warning);
    require(is_plain(warning), "a warning can be shown", warning);
  }
  if (read.domain) {
    const auto& domain = *read.domain;
    require(is_plain(domain.name) && is_plain(domain.uuid), "a name can be shown", domain.name);
    require(domain.vcpus >= 1 && domain.vcpus <= kMostVcpus, "a domain has some vCPUs");
    require(std::ranges::is_sorted(domain.iothread_ids), "I/O threads stand by id");
  }
  return 0;
}
