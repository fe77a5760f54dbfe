// SPDX-License-Identifier: Apache-2.0
#include "support/cpu_text.h"

#include "irqtune/read/cpus/lscpu.h"

namespace irqtune::test {

Topology parse(std::string_view text) {
  return parse_cpu_text(text, "cpus.txt").topology;
}

std::string nodes_text(const Topology& topology) {
  std::string out;
  for (const auto& node : topology.nodes) {
    out += fmt::format(
        "{}{}:{}", out.empty() ? "" : " ", static_cast<unsigned>(node.id), node.cpus.to_list());
  }
  return out;
}

std::string present_list(const Topology& topology) {
  CpuSet present;
  for (const auto& cpu : topology.cpus) {
    present.insert(cpu.number);
  }
  return present.to_list();
}

}  // namespace irqtune::test
