// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/read.h"

#include "read/cpus/cpus.h"
#include "support/catch.h"
#include "support/hosts/cpu_tree.h"
#include "support/hosts/fake_tree.h"

#include <fmt/format.h>

namespace irqtune::test {

namespace {

constexpr auto kHead =
    "name:   VECTOR\n"
    " size:   0\n"
    " mapped: 41\n"
    " flags:  0x00000003\n"
    "Online bitmaps:        3\n"
    "Global available:    592\n"
    "Global reserved:      13\n"
    "Total allocated:      11\n"
    "System: 38: 0-19,32,50,128,236,240-242,244,246-255\n";

using Free = std::map<int, std::size_t>;

/// The table with these rows, below everything else that the file holds.
Free parse(const std::string& rows) {
  return parse_vector_domain(std::string(kHead) + "  | CPU | avl | man | mac | act | vectors\n" +
                             rows);
}

}  // namespace

TEST_CASE("the VECTOR domain: vectors that each CPU has left", "[read][vectors]") {
  CHECK(parse("      0   197     0     0    4  33-35,48\n"
              "      1     0   200     3    1  33\n"
              "     10   198     2     1    0  \n") == Free{{0, 197}, {1, 0}, {10, 198}});
}

TEST_CASE("the VECTOR domain as printed before managed ones had a column", "[read][vectors]") {
  CHECK(parse_vector_domain(" | CPU | avl | man | act | vectors\n"
                            "     0   199     0    4  33-35,48\n") == Free{{0, 199}});
}

TEST_CASE("a VECTOR domain that is none tells nothing", "[read][vectors]") {
  CHECK(parse_vector_domain("").empty());
  CHECK(parse_vector_domain(kHead).empty());
  CHECK(parse_vector_domain("0 197 0 0 4 33\n").empty());
  const auto row = GENERATE(as<std::string>{},
                            "-1 197 0 0 4 33",
                            "0 -1 0 0 4 33",
                            "0 257 0 0 4 33",
                            "0 18446744073709551616 0 0 4 33",
                            "99999999 197 0 0 4 33",
                            "0",
                            "0 197 0 0 4 33\n0 190 0 0 4 33",
                            "0 many 0 0 4 33",
                            "0 197 0 0 4 33\n\n1 197 0 0 4 33");
  INFO(row);
  CHECK(parse(row).empty());
}

TEST_CASE("a tree's VECTOR domain goes to its CPUs", "[read][vectors]") {
  FakeTree tree;
  add_cpu(tree, 0, 0, 0, "0");
  add_cpu(tree, 1, 0, 1, "1");
  tree.file("/sys/devices/system/cpu/online", "0-1\n");
  tree.file("/sys/devices/system/cpu/present", "0-1\n");
  tree.file("/proc/interrupts", "           CPU0       CPU1\n");
  CHECK_FALSE(read_host(tree.sysfs(), {}).topology.cpus[0].free_vectors);
  tree.file("/sys/kernel/debug/irq/domains/VECTOR",
            std::string(kHead) +
                " | CPU | avl | man | mac | act | vectors\n"
                "     1   42     0     0    4  33-35,48\n");
  const auto host = read_host(tree.sysfs(), {});
  CHECK_FALSE(host.topology.cpus[0].free_vectors);
  CHECK(host.topology.cpus[1].free_vectors == 42);
}

TEST_CASE("a VECTOR file that is not understood is told, an empty or absent one is not",
          "[read][vectors]") {
  const auto row = GENERATE(as<std::string>{}, "", "\n", "     0    2     0     0     5  33-37\n");
  FakeTree tree{{"/sys/kernel/debug/irq/domains/VECTOR", row}};
  Topology topology;
  std::vector<std::string> warnings;
  read_free_vectors(tree.sysfs(), topology, warnings);
  CHECK(warnings.size() == (row.size() > 1 ? 1 : 0));
  read_free_vectors(FakeTree().sysfs(), topology, warnings);
  CHECK(warnings.size() == (row.size() > 1 ? 1 : 0));
}

}  // namespace irqtune::test
