// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/cpus/lscpu.h"

#include "support/catch.h"
#include "support/cpu_text.h"

#include <fmt/format.h>

namespace irqtune {

using test::column;
using test::nodes_text;
using test::parse;
using test::present_list;

TEST_CASE("lscpu -p: ids, caches and siblings", "[lscpu]") {
  const auto topology = parse(R"(# The following is the parsable format, which can be fed to other
# programs. Each different item in every column has an unique ID
# starting usually from zero.
# CPU,Core,Socket,Node,,L1d,L1i,L2,L3
0,0,0,0,,0,0,0,0
1,1,0,0,,1,1,1,0
2,2,1,1,,2,2,2,1
3,3,1,1,,3,3,3,1
4,0,0,0,,0,0,0,0
5,1,0,0,,1,1,1,0
6,2,1,1,,2,2,2,1
7,3,1,1,,3,3,3,1
)");
  CHECK(topology.online.to_list() == "0-7");
  CHECK(nodes_text(topology) == "0:0-1,4-5 1:2-3,6-7");
  CHECK(column(topology, &Cpu::core) == "0 1 2 3 0 1 2 3");
  CHECK(column(topology, &Cpu::package) == "0 0 1 1 0 0 1 1");
  CHECK(column(topology, &Cpu::llc) == "0 0 1 1 0 0 1 1");
  CHECK(find_cpu(topology, 5)->siblings.to_list() == "1,5");
}

TEST_CASE("lscpu -p: other columns, in any order", "[lscpu]") {
  const auto topology = parse(
      "# NODE,CPU,MODELNAME,L1d:L1i:L2:L3,ONLINE\n"
      "1,0,\"Some CPU, with a comma\",0:0:0:3,Y\n"
      "0,1,\"Some CPU, with a comma\",1:1:1:7,Y\n"
      ",2,,,N\n");
  CHECK(topology.online.to_list() == "0-1");
  CHECK(present_list(topology) == "0-2");
  CHECK(nodes_text(topology) == "0:1 1:0");
  CHECK(column(topology, &Cpu::llc) == "0 1 -");
  CHECK(column(topology, &Cpu::core) == "- - -");
  CHECK(find_cpu(topology, 0)->siblings.empty());
}

TEST_CASE("lscpu -p: of two tables the first is read", "[lscpu]") {
  const auto read = parse_cpu_text(
      "# CPU,Core\n0,0\n1,1\n# CPU,Core,Socket,Node,,L1d\n0,0,0,0,,0\n1,0,0,0,,0\n", "f");
  CHECK(column(read.topology, &Cpu::core) == "0 1");
  CHECK(read.warnings.empty());
}

TEST_CASE("lscpu -p: without its comments the columns are the default ones", "[lscpu]") {
  const auto topology = parse("0,0,0,0,,0,0,0,0\r\n1,0,0,0,,0,0,0,0\r\n");
  CHECK(topology.online.to_list() == "0-1");
  CHECK(column(topology, &Cpu::core) == "0 0");
  CHECK(nodes_text(topology) == "0:0-1");
}

TEST_CASE("lscpu -p: no NUMA, and CPU numbers with holes", "[lscpu]") {
  const auto topology = parse("# CPU,Core,Socket,Node\n1,0,0,\n2,1,0,\n8,2,1,\n");
  CHECK(present_list(topology) == "1-2,8");
  CHECK(topology.online.to_list() == "1-2,8");
  CHECK(topology.nodes.empty());
  CHECK(column(topology, &Cpu::package) == "0 0 1");
}

TEST_CASE("lscpu -p: a second table in the file, with other columns, is left out", "[lscpu]") {
  const auto topology =
      parse("# CPU,Core,Socket,Node\n0,0,0,0\n1,1,0,1\n# CPU,Node,,L1d,L1i,L2,L3\n2,5,,0,0,0,7\n");
  CHECK(column(topology, &Cpu::node) == "0 1");
  CHECK(column(topology, &Cpu::llc) == "- -");
}

TEST_CASE("lscpu -p: a comment between the rows changes nothing", "[lscpu]") {
  const auto topology = parse("# CPU,Core,Socket,Node\n0,0,0,0\n# of node 1:\n1,1,1,1\n");
  CHECK(nodes_text(topology) == "0:0 1:1");
  CHECK(column(topology, &Cpu::core) == "0 1");
}

TEST_CASE("lscpu -p: rows that are too short or too long", "[lscpu]") {
  const auto topology = parse("# CPU,Core,Socket,Node,,L3\n0,0,0,0\n1,1,0,0,,0,9,9\n2\n");
  CHECK(column(topology, &Cpu::node) == "0 0 -");
  CHECK(column(topology, &Cpu::llc) == "- 0 -");
}

TEST_CASE("lscpu -p -y: physical core numbers repeat per socket", "[lscpu]") {
  const auto topology = parse("# CPU,Core,Socket,Node\n0,0,0,0\n1,4,0,0\n2,0,1,1\n3,4,1,1\n");
  CHECK(column(topology, &Cpu::core) == "0 1 2 3");
  CHECK(find_cpu(topology, 2)->siblings.to_list() == "2");
}

TEST_CASE("lscpu -p -y: numbers that repeat per die are told apart by their nodes", "[lscpu]") {
  const auto topology = parse(
      "# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n"
      "0,0,0,0,,0,0,0,0\n1,1,0,0,,1,1,1,0\n2,0,0,1,,2,2,2,1\n3,1,0,1,,3,3,3,1\n");
  CHECK(column(topology, &Cpu::core) == "0 1 2 3");
  CHECK(find_cpu(topology, 2)->siblings.to_list() == "2");
}

TEST_CASE("lscpu -p -y: without a socket only a shared cache makes siblings", "[lscpu]") {
  const auto read = parse_cpu_text("# CPU,Core,Socket,Node\n6,0,-,\n7,0,-,\n10,3,-,\n", "f");
  CHECK(column(read.topology, &Cpu::core) == "- - 0");
  CHECK(find_cpu(read.topology, 6)->siblings.empty());
  CHECK(find_cpu(read.topology, 10)->siblings.to_list() == "10");
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0].find("f: the cores of CPUs 6-7 are not known") == 0);

  const auto proved = parse(
      "# CPU,Core,Socket,Node,,L1d,L1i\n"
      "0,0,-,0,,0,0\n1,0,-,0,,0,0\n4,4,-,0,,1,1\n5,4,-,0,,1,1\n");
  CHECK(find_cpu(proved, 1)->siblings.to_list() == "0-1");
  CHECK(find_cpu(proved, 5)->siblings.to_list() == "4-5");
}

TEST_CASE("lscpu -p: core numbers that begin anew with each kind of core", "[lscpu]") {
  const auto arm = parse(
      "# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n"
      "0,0,0,,,0,0,0,0\n1,1,0,,,1,1,1,0\n2,2,0,,,2,2,1,0\n3,0,0,,,3,3,2,0\n"
      "4,1,0,,,4,4,3,0\n5,0,0,,,5,5,4,0\n6,1,0,,,6,6,5,0\n7,0,0,,,7,7,6,0\n");
  CHECK(column(arm, &Cpu::core) == "0 1 2 3 4 5 6 7");
  CHECK(find_cpu(arm, 0)->siblings.to_list() == "0");

  const auto big_little = parse(
      "CPU NODE SOCKET CORE ONLINE    MAXMHZ   MINMHZ\n"
      "  0    -      0    0    yes 1416.0000 408.0000\n"
      "  1    -      0    1    yes 1416.0000 408.0000\n"
      "  2    -      0    0    yes 1800.0000 408.0000\n"
      "  3    -      0    1    yes 1800.0000 408.0000\n");
  CHECK(column(big_little, &Cpu::core) == "0 1 2 3");

  const auto smt = parse(
      "# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n"
      "0,0,0,0,,0,0,0,0\n1,1,0,0,,1,1,1,0\n2,0,0,0,,0,0,0,0\n3,1,0,0,,1,1,1,0\n");
  CHECK(find_cpu(smt, 3)->siblings.to_list() == "1,3");
}

TEST_CASE("lscpu -p: the fused cores of POWER10 share a number and no cache", "[lscpu]") {
  std::string text = "# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n";
  for (int cpu = 0; cpu < 16; ++cpu) {
    const int half = cpu / 8 * 2 + cpu % 2;
    text += fmt::format("{},{},0,0,,{},{},{},{}\n", cpu, cpu / 8, half, half, half, half);
  }
  const auto topology = parse(text);
  CHECK(find_cpu(topology, 3)->siblings.to_list() == "0-7");
  CHECK(column(topology, &Cpu::llc) == "0 1 0 1 0 1 0 1 2 3 2 3 2 3 2 3");
}

TEST_CASE("lscpu -p: a CPU that lacks a cache has fewer cells, and then none is known", "[lscpu]") {
  const auto topology = parse(
      "# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n"
      "0,0,0,0,,16,16,4,0\n5,0,0,0,,16,16,4,0\n16,10,0,0,,1,0\n18,12,0,0,,1,0\n"
      "20,14,0,0,,64,64,8\n");
  CHECK(topology.online.to_list() == "0,5,16,18,20");
  CHECK(column(topology, &Cpu::core) == "0 0 1 2 3");
  CHECK(column(topology, &Cpu::llc) == "0 0 - - -");
}

TEST_CASE("lscpu -p -a: an offline CPU may have a socket, and has no core", "[lscpu]") {
  const auto topology = parse("# CPU,Core,Socket,Node\n0,,0,\n1,0,0,\n2,1,0,\n");
  CHECK(topology.online.to_list() == "1-2");
  CHECK(present_list(topology) == "0-2");
  CHECK(parse("# CPU,Socket\n0,\n1,0\n").online.to_list() == "1");
}

TEST_CASE("lscpu -p: one letter may mean yes in one language and no in another", "[lscpu]") {
  const auto online = [](std::string_view a, std::string_view b) {
    return parse(fmt::format("# CPU,ONLINE\n0,{}\n1,{}\n", a, b)).online.to_list();
  };
  CHECK(online("Y", "N") == "0");
  CHECK(online("K", "E") == "0");  // Finnish
  CHECK(online("E", "H") == "0");  // Turkish
  CHECK(online("C", "K") == "0");  // Vietnamese
  CHECK(online("O", "N") == "0");
  CHECK(online("E", "E") == "0-1");
}

}  // namespace irqtune
