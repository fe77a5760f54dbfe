// SPDX-License-Identifier: Apache-2.0
#include "support/hosts/cpu_tree.h"

#include <fmt/format.h>

namespace irqtune::test {

void add_cpu(
    FakeTree& tree, int cpu, int package, int core_id, std::string_view siblings, int die) {
  const auto dir = fmt::format("/sys/devices/system/cpu/cpu{}/topology/", cpu);
  tree.file(dir + "physical_package_id", fmt::format("{}\n", package));
  tree.file(dir + "die_id", fmt::format("{}\n", die));
  tree.file(dir + "core_id", fmt::format("{}\n", core_id));
  tree.file(dir + "core_cpus_list", fmt::format("{}\n", siblings));
}

void add_cache(
    FakeTree& tree, int cpu, int index, int level, std::string_view type, std::string_view shared) {
  const auto dir = fmt::format("/sys/devices/system/cpu/cpu{}/cache/index{}/", cpu, index);
  tree.file(dir + "level", fmt::format("{}\n", level));
  tree.file(dir + "type", fmt::format("{}\n", type));
  tree.file(dir + "shared_cpu_list", fmt::format("{}\n", shared));
}

void add_node(FakeTree& tree, int node, std::string_view cpus, std::string_view distances) {
  const auto dir = fmt::format("/sys/devices/system/node/node{}/", node);
  tree.file(dir + "cpulist", fmt::format("{}\n", cpus));
  tree.file(dir + "distance", fmt::format("{}\n", distances));
}

std::string add_pci(FakeTree& tree,
                    std::string_view parents,
                    std::string_view address,
                    std::string_view numa_node) {
  auto dir = fmt::format("/sys/devices{}/{}", parents, address);
  tree.file(dir + "/class", "0x020000\n");
  tree.file(dir + "/vendor", "0x8086\n");
  tree.file(dir + "/device", "0x10d3\n");
  tree.file(dir + "/numa_node", fmt::format("{}\n", numa_node));
  tree.link(fmt::format("/sys/bus/pci/devices/{}", address),
            fmt::format("../../../devices{}/{}", parents, address));
  return dir;
}

}  // namespace irqtune::test
