// SPDX-License-Identifier: Apache-2.0
// What lscpu and numactl print, merged into a topology as --lscpu does.
#include "irqtune/core/error.h"
#include "irqtune/read/cpus/lscpu.h"

#include <algorithm>

#include "fuzz/fuzz.h"

using irqtune::fuzz::require;

namespace {

void check(const irqtune::Topology& topology) {
  const auto by_number = [](const auto& a, const auto& b) { return a.number >= b.number; };
  require(std::ranges::adjacent_find(topology.cpus, by_number) == topology.cpus.end(),
          "CPUs stand by number, each once");
  const auto by_id = [](const auto& a, const auto& b) { return a.id >= b.id; };
  require(std::ranges::adjacent_find(topology.nodes, by_id) == topology.nodes.end(),
          "nodes stand by id, each once");
  for (const auto& node : topology.nodes) {
    require(node.distances.empty() || node.distances.size() == topology.nodes.size(),
            "a node has a distance to each node, or to none");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto text = irqtune::parse_cpu_text(irqtune::fuzz::text_of(data, size), "FILE");
    check(text.topology);
    irqtune::Topology topology;
    irqtune::merge_cpu_text(topology, text);
    check(topology);
    irqtune::merge_cpu_text(topology, text);
    check(topology);
  } catch (const irqtune::Error& error) {
    require(error.kind() == irqtune::ErrorKind::usage, "a text that is none is bad usage");
    require(irqtune::fuzz::is_plain(error.what()), "an error can be shown", error.what());
  }
  return 0;
}
