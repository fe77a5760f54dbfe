// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/cpus/lscpu.h"
#include "irqtune/read/read.h"

#include "read/cpus/cpus.h"
#include "support/catch.h"
#include "support/hosts/cpu_tree.h"

#include <fmt/format.h>

#include <algorithm>

#include <sys/stat.h>

namespace irqtune::test {

namespace {

struct Read {
  Topology topology;
  std::vector<std::string> warnings;
};

Read read(const FakeTree& tree) {
  Read result;
  result.topology = read_topology(tree.sysfs(), result.warnings);
  return result;
}

const Cpu& cpu(const Read& read, int number) {
  const auto* found = find_cpu(read.topology, number);
  INFO("CPU " << number);
  REQUIRE(found != nullptr);
  return *found;
}

constexpr auto kOnline = "/sys/devices/system/cpu/online";

}  // namespace

TEST_CASE("topology: cores, threads, packages and dies of two sockets", "[read][topology]") {
  FakeTree tree{{kOnline, "0-7\n"}};
  for (int number = 0; number < 8; ++number) {
    const int first = number % 4;
    // core_id is 0 and 1 in either package.
    add_cpu(tree, number, first / 2, first % 2, fmt::format("{},{}", first, first + 4), first / 2);
  }
  const auto result = read(tree);
  CHECK(result.warnings.empty());
  REQUIRE(result.topology.cpus.size() == 8);
  CHECK(result.topology.online == CpuSet{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(cpu(result, 0).core == 0);
  CHECK(cpu(result, 4).core == 0);
  CHECK(cpu(result, 2).core == 2);
  CHECK(cpu(result, 6).core == 2);
  CHECK(cpu(result, 3).package == 1);
  CHECK(cpu(result, 7).die == 1);
  CHECK(cpu(result, 7).siblings == CpuSet{3, 7});
  CHECK_FALSE(cpu(result, 0).node);
  CHECK(result.topology.nodes.empty());
}

TEST_CASE("topology: core_id alone is told apart by package and die", "[read][topology]") {
  FakeTree tree{{kOnline, "0-3\n"}};
  for (int number = 0; number < 4; ++number) {
    const auto dir = fmt::format("/sys/devices/system/cpu/cpu{}/topology/", number);
    tree.file(dir + "core_id", "0\n");
    tree.file(dir + "physical_package_id", fmt::format("{}\n", number / 2));
    tree.file(dir + "die_id", fmt::format("{}\n", number % 2));
  }
  const auto result = read(tree);
  CHECK(cpu(result, 0).core == 0);
  CHECK(cpu(result, 1).core == 1);
  CHECK(cpu(result, 2).core == 2);
  CHECK(cpu(result, 3).core == 3);
  CHECK(cpu(result, 0).siblings == CpuSet{0});
}

TEST_CASE("topology: the files of old kernels", "[read][topology]") {
  const FakeTree tree{{kOnline, "0-1\n"},
                      {"/sys/devices/system/cpu/cpu0/topology/thread_siblings", "00000003\n"},
                      {"/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "0-1\n"},
                      {"/sys/devices/system/cpu/cpu0/cache/index0/level", "2\n"},
                      {"/sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_map", "00000003\n"},
                      {"/sys/devices/system/node/node0/cpumap", "00000003\n"}};
  const auto result = read(tree);
  CHECK(cpu(result, 1).siblings == CpuSet{0, 1});
  CHECK(cpu(result, 1).core == 0);
  CHECK(cpu(result, 1).llc == 0);
  CHECK(cpu(result, 1).node == NodeId{0});
}

TEST_CASE("topology: an offline CPU has no topology and is nobody's sibling", "[read][topology]") {
  FakeTree tree{{kOnline, "0-4,6-7\n"}, {"/sys/devices/system/cpu/cpu5/online", "0\n"}};
  for (const int number : {0, 1, 2, 3, 4, 6, 7}) {
    add_cpu(tree, number, 0, number / 2, number == 4 ? "4" : fmt::format("{}", number));
  }
  const auto result = read(tree);
  REQUIRE(result.topology.cpus.size() == 8);
  CHECK_FALSE(cpu(result, 5).online);
  CHECK_FALSE(cpu(result, 5).core);
  CHECK(cpu(result, 5).siblings.empty());
  CHECK(cpu(result, 4).siblings == CpuSet{4});
  CHECK(cpu(result, 6).core == 5);
}

TEST_CASE("topology: siblings are online ones, even where sysfs keeps the others",
          "[read][topology]") {
  FakeTree tree{{kOnline, "0\n"}};
  add_cpu(tree, 0, 0, 0, "0-1");
  add_cpu(tree, 1, 0, 0, "0-1");
  CHECK(cpu(read(tree), 0).siblings == CpuSet{0});
}

TEST_CASE("topology: without the list of online CPUs each one's own file tells",
          "[read][topology]") {
  FakeTree tree{{"/sys/devices/system/cpu/cpu1/online", "0\n"},
                {"/sys/devices/system/cpu/cpu2/online", "1\n"},
                {"/sys/devices/system/cpu/cpufreq/boost", "1\n"},
                {"/sys/devices/system/cpu/cpuidle/current_driver", "none\n"}};
  add_cpu(tree, 0, 0, 0, "0");  // The boot CPU has no such file.
  const auto result = read(tree);
  CHECK(result.topology.online == CpuSet{0, 2});
  CHECK(result.topology.cpus.size() == 3);
}

TEST_CASE("topology: a tree with nothing but the lists has its CPUs", "[read][topology]") {
  const auto both =
      read(FakeTree{{kOnline, "0-1,3\n"}, {"/sys/devices/system/cpu/present", "0-3\n"}});
  CHECK(both.topology.cpus.size() == 4);
  CHECK(both.topology.online == CpuSet{0, 1, 3});
  CHECK_FALSE(cpu(both, 2).online);
  CHECK_FALSE(cpu(both, 3).core);
  CHECK(both.warnings.empty());
  const auto one = read(FakeTree{{kOnline, "0-1,3\n"}});
  CHECK(one.topology.cpus.size() == 3);
  CHECK(one.topology.online == CpuSet{0, 1, 3});
}

TEST_CASE("topology: the last-level cache is the highest one that holds data", "[read][topology]") {
  FakeTree tree{{kOnline, "0-7\n"}};
  add_node(tree, 0, "0-7", "10");
  for (int number = 0; number < 8; ++number) {
    add_cpu(tree, number, 0, number, fmt::format("{}", number));
    add_cache(tree, number, 0, 1, "Data", fmt::format("{}", number));
    add_cache(tree, number, 1, 1, "Instruction", "0-7");
    add_cache(tree, number, 2, 2, "Unified", fmt::format("{}", number));
    add_cache(tree, number, 3, 3, "Unified", number < 4 ? "0-3" : "4-7");
  }
  const auto result = read(tree);  // Two caches in one node, as AMD has them.
  CHECK(cpu(result, 0).llc == 0);
  CHECK(cpu(result, 3).llc == 0);
  CHECK(cpu(result, 4).llc == 1);
  CHECK(cpu(result, 7).llc == 1);
  CHECK(cpu(result, 7).node == NodeId{0});
}

TEST_CASE("topology: a cluster's shared cache is the last where there is no L3",
          "[read][topology]") {
  FakeTree tree{{kOnline, "0-7\n"}};
  for (int number = 0; number < 8; ++number) {
    const auto cluster = fmt::format("{}-{}", number / 4 * 4, number / 4 * 4 + 3);
    add_cpu(tree, number, 0, number, fmt::format("{}", number));
    tree.file(fmt::format("/sys/devices/system/cpu/cpu{}/topology/cluster_cpus_list", number),
              cluster + '\n');
    add_cache(tree, number, 0, 1, "Data", fmt::format("{}", number));
    add_cache(tree, number, 2, 2, "Unified", cluster);
  }
  const auto result = read(tree);
  CHECK(cpu(result, 3).llc == 0);
  CHECK(cpu(result, 4).llc == 1);
  CHECK(cpu(result, 3).core == 3);
}

namespace {

/// "PPEL", a letter a CPU; "-" where nothing tells.
std::string kinds_of(const Topology& topology) {
  std::string kinds;
  for (const auto& cpu : topology.cpus) {
    kinds += !cpu.kind                           ? '-'
             : *cpu.kind == CpuKind::performance ? 'P'
             : *cpu.kind == CpuKind::efficiency  ? 'E'
                                                 : 'L';
  }
  return kinds;
}

void add_cpus(FakeTree& tree, const std::vector<int>& capacities) {
  tree.file(kOnline, "0-5\n");
  for (int number = 0; number < 6; ++number) {
    add_cpu(tree, number, 0, number, std::to_string(number));
    if (!capacities.empty()) {
      tree.file(fmt::format("/sys/devices/system/cpu/cpu{}/cpu_capacity", number),
                fmt::format("{}\n", capacities[static_cast<std::size_t>(number)]));
    }
  }
}

}  // namespace

TEST_CASE("topology: kinds of cores, by PMU and by what they get done", "[read][topology]") {
  FakeTree tree;
  SECTION("x86 with a PMU for each kind") {
    add_cpus(tree, {});
    tree.file("/sys/devices/cpu_core/cpus", "0-1\n");
    tree.file("/sys/devices/cpu_atom/cpus", "2-4\n");
    tree.file("/sys/devices/cpu_lowpower/cpus", "5\n");
    CHECK(kinds_of(read(tree).topology) == "PPEEEL");
  }
  SECTION("low-power cores that are atoms to their PMU") {
    add_cpus(tree, {1024, 1000, 600, 590, 300, 300});
    tree.file("/sys/devices/cpu_core/cpus", "0-1\n");
    tree.file("/sys/devices/cpu_atom/cpus", "2-5\n");
    const auto topology = read(tree).topology;
    CHECK(kinds_of(topology) == "PPEELL");
    CHECK(topology.cpus[4].capacity == 300);
  }
  SECTION("big.LITTLE, by capacity alone") {
    add_cpus(tree, {1024, 1024, 430, 430, 430, 430});
    CHECK(kinds_of(read(tree).topology) == "PPEEEE");
  }
  SECTION("cores that differ in their turbo only are alike") {
    add_cpus(tree, {1024, 1010, 960, 960, 960, 960});
    CHECK(kinds_of(read(tree).topology) == "------");
  }
  SECTION("nothing tells") {
    add_cpus(tree, {});
    CHECK(kinds_of(read(tree).topology) == "------");
  }
}

TEST_CASE("topology: sparse node ids keep their distances", "[read][topology]") {
  FakeTree tree{{kOnline, "0-3\n"}};
  for (int number = 0; number < 4; ++number) {
    add_cpu(tree, number, number / 2, number % 2, fmt::format("{}", number));
  }
  add_node(tree, 8, "2-3", "40 10 80");
  add_node(tree, 0, "0-1", "10 40 80");
  add_node(tree, 252, "", "80 80 10");  // A GPU's memory on POWER9.
  const auto result = read(tree);
  CHECK(result.warnings.empty());
  REQUIRE(result.topology.nodes.size() == 3);
  CHECK(result.topology.nodes[1].id == NodeId{8});
  CHECK(result.topology.nodes[2].cpus.empty());
  CHECK(cpu(result, 3).node == NodeId{8});
  CHECK(distance(result.topology, NodeId{0}, NodeId{8}) == 40);
  CHECK(distance(result.topology, NodeId{252}, NodeId{8}) == 80);
  CHECK_FALSE(distance(result.topology, NodeId{0}, NodeId{1}));
}

TEST_CASE("topology: a distance beyond any kernel's is not used, and told", "[read][topology]") {
  for (const auto* const odd : {"2147483647", "256", "0", "-1", "x", "1e9"}) {
    FakeTree tree{{kOnline, "0-1\n"}};
    add_cpu(tree, 0, 0, 0, "0");
    add_cpu(tree, 1, 1, 0, "1");
    add_node(tree, 0, "0", fmt::format("10 {}", odd));
    add_node(tree, 1, "1", "255 10");
    const auto result = read(tree);
    CHECK(result.warnings ==
          std::vector<std::string>{fmt::format(
              "/sys/devices/system/node/node0/distance: '{}' is no distance; not used", odd)});
    CHECK_FALSE(distance(result.topology, NodeId{0}, NodeId{1}));
    CHECK(distance(result.topology, NodeId{1}, NodeId{0}) == 255);
  }
}

TEST_CASE("topology: a row of distances of another width is not used, and told",
          "[read][topology]") {
  FakeTree tree{{kOnline, "0-1\n"}};
  add_cpu(tree, 0, 0, 0, "0");
  add_cpu(tree, 1, 1, 0, "1");
  add_node(tree, 0, "0", "10 21");
  add_node(tree, 1, "1", "21 10 31");
  const auto result = read(tree);
  CHECK(result.warnings ==
        std::vector<std::string>{
            "/sys/devices/system/node/node1/distance: 3 numbers for 2 nodes; not used"});
  CHECK(result.topology.nodes[1].distances.empty());
  CHECK(distance(result.topology, NodeId{0}, NodeId{1}) == 21);
  CHECK_FALSE(distance(result.topology, NodeId{1}, NodeId{0}));
}

TEST_CASE("topology: isolated and nohz_full, also as ` (null)`", "[read][topology]") {
  FakeTree tree{{kOnline, "0-7\n"},
                {"/sys/devices/system/cpu/isolated", "4-7\n"},
                {"/sys/devices/system/cpu/nohz_full", "  (null)\n"}};
  add_cpu(tree, 0, 0, 0, "0");
  auto result = read(tree);
  CHECK(result.warnings.empty());
  CHECK(result.topology.isolated == CpuSet{4, 5, 6, 7});
  CHECK(result.topology.nohz_full.empty());
  tree.file("/sys/devices/system/cpu/isolated", "\n");
  tree.file("/sys/devices/system/cpu/nohz_full", "6-7\n");
  result = read(tree);
  CHECK(result.warnings.empty());
  CHECK(result.topology.isolated.empty());
  CHECK(result.topology.nohz_full == CpuSet{6, 7});
}

TEST_CASE("topology: without the kernel's lists, what it was asked for", "[read][topology]") {
  FakeTree tree{{kOnline, "0-3\n"}, {"/proc/cmdline", "quiet isolcpus=2-N nohz_full=3\n"}};
  for (int number = 0; number < 4; ++number) {
    add_cpu(tree, number, 0, number, std::to_string(number));
  }
  const auto asked = read(tree).topology;
  CHECK(asked.isolated == CpuSet{2, 3});
  CHECK(asked.nohz_full == CpuSet{3});
  CHECK(asked.isolation_asked);
  tree.file("/sys/devices/system/cpu/isolated", "\n");  // The kernel knows better.
  CHECK(read(tree).topology.isolated.empty());
  CHECK_FALSE(read(tree).topology.isolation_asked);
}

TEST_CASE("topology: what the kernel was asked for counts without sysfs too", "[read][topology]") {
  const FakeTree tree{{"/proc/cmdline", "isolcpus=2,3\n"}};
  CHECK(read(tree).topology.isolated == CpuSet{2, 3});
}

TEST_CASE("topology: threads of a core are siblings without a list", "[read][topology]") {
  FakeTree tree{{kOnline, "0-3\n"}};
  for (int number = 0; number < 4; ++number) {
    const auto dir = fmt::format("/sys/devices/system/cpu/cpu{}/topology/", number);
    tree.file(dir + "core_id", fmt::format("{}\n", number / 2));
    tree.file(dir + "physical_package_id", "0\n");
  }
  const auto result = read(tree);
  CHECK(cpu(result, 2).siblings == CpuSet{2, 3});
  CHECK(cpu(result, 0).siblings == CpuSet{0, 1});
}

TEST_CASE("topology: without SMT each CPU is its own core's only thread", "[read][topology]") {
  FakeTree tree{{"/sys/devices/system/cpu/online", "0-1\n"},
                {"/sys/devices/system/cpu/smt/active", "0\n"},
                {"/sys/devices/system/cpu/cpu0/topology/core_id", "0\n"},
                {"/sys/devices/system/cpu/cpu1/topology/core_id", "0\n"}};
  std::vector<std::string> warnings;
  const auto topology = read_topology(tree.sysfs(), warnings);
  REQUIRE(topology.cpus.size() == 2);
  CHECK(topology.cpus[0].siblings == CpuSet{0});
  CHECK(topology.cpus[1].siblings == CpuSet{1});
  CHECK(topology.cpus[0].core != topology.cpus[1].core);
}

TEST_CASE("topology: a list that is none is told, not guessed", "[read][topology]") {
  FakeTree tree{{kOnline, "0-7\n"}, {"/sys/devices/system/cpu/isolated", "7-4\n"}};
  add_cpu(tree, 0, 0, 0, "0");
  const auto result = read(tree);
  CHECK(result.topology.isolated.empty());
  REQUIRE(result.warnings.size() == 1);
  CHECK(result.warnings[0].starts_with("/sys/devices/system/cpu/isolated: "));
}

TEST_CASE("topology: lists longer than a page, and CPU 2000", "[read][topology]") {
  std::string odd;
  CpuSet expected;
  for (int number = 1; number <= 2047; number += 2) {
    odd += fmt::format("{}{}", odd.empty() ? "" : ",", number);
    expected.insert(number);
  }
  REQUIRE(odd.size() > 4096);
  FakeTree tree{{kOnline, "0-2047\n"}, {"/sys/devices/system/cpu/isolated", odd + '\n'}};
  add_cpu(tree, 2000, 3, 500, "2000,2047", 1);
  add_cpu(tree, 2047, 3, 500, "2000,2047", 1);
  add_node(tree, 0, odd, "10 20");
  add_node(tree, 1, "2000", "20 10");
  const auto result = read(tree);
  CHECK(result.topology.isolated == expected);
  CHECK(result.topology.nodes[0].cpus == expected);
  CHECK(result.topology.online.size() == 2048);
  CHECK(cpu(result, 2000).node == NodeId{1});
  CHECK(cpu(result, 2000).siblings == CpuSet{2000, 2047});
  CHECK(cpu(result, 2047).node == NodeId{0});
  CHECK(cpu(result, 2047).package == 3);
}

TEST_CASE("topology: no sysfs, or other things in its files' places", "[read][topology]") {
  FakeTree tree;
  auto result = read(tree);
  CHECK(result.topology.cpus.empty());
  CHECK(result.topology.online.empty());
  CHECK(result.warnings.empty());  // read_host() tells, unless an lscpu makes up for it.
  const auto told = [&](const ReadOptions& options) {
    const auto warnings = read_host(tree.sysfs(), options).warnings;
    return std::ranges::any_of(warnings, [](const std::string& warning) {
      return warning.find("CPUs are known by number only") != std::string::npos;
    });
  };
  CHECK(told({}));
  ReadOptions options;
  options.cpu_text = parse_cpu_text("# CPU,Core,Socket,Node\n0,0,0,0\n1,1,0,0\n", "f");
  CHECK_FALSE(told(options));

  tree.file("/sys/devices/system/cpu/cpu0/online", "1\n");
  tree.file("/sys/devices/system/cpu/cpu0/topology/core_id", "no number\n");
  tree.file("/sys/devices/system/cpu/cpu0/topology/core_cpus_list/file", "");
  tree.file("/sys/devices/system/node/node0/distance", "10\n");
  const auto root = tree.root() / "sys/devices/system";
  REQUIRE(::mkfifo((root / "cpu/online").c_str(), 0600) == 0);
  REQUIRE(::mkfifo((root / "node/node0/cpulist").c_str(), 0600) == 0);
  result = read(tree);
  CHECK(result.topology.online == CpuSet{0});
  CHECK_FALSE(cpu(result, 0).core);
  CHECK_FALSE(cpu(result, 0).node);
}

}  // namespace irqtune::test
