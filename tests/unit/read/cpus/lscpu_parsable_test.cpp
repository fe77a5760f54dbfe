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

TEST_CASE("lscpu -p -y: different cores that share a cache of level 1 are one", "[lscpu]") {
  const std::string more = GENERATE(",L2,L3", "");
  const bool all = !more.empty();
  const auto row = [&](std::string_view l1, std::string_view rest) {
    return std::string(l1) + (all ? std::string(rest) : "") + "\n";
  };
  const auto modules = parse("# CPU,Core,Socket,Node,,L1d,L1i" + more + "\n" +
                             row("0,0,0,0,,0,0", ",0,0") + row("1,1,0,0,,1,0", ",0,0") +
                             row("2,2,0,0,,2,1", ",1,0") + row("3,3,0,0,,3,1", ",1,0"));
  CHECK(find_cpu(modules, 1)->siblings.to_list() == "0-1");
  CHECK(find_cpu(modules, 2)->siblings.to_list() == "2-3");
  CHECK(column(modules, &Cpu::core) == "0 0 1 1");

  const auto emulated = parse_cpu_text(
      "# CPU,Core,Socket,Node,,L1d,L1i\n0,0,0,0,,0,0\n1,1,0,0,,0,0\n2,2,1,1,,0,0\n", "f");
  CHECK(column(emulated.topology, &Cpu::core) == "0 1 2");
  REQUIRE(emulated.warnings.size() == 1);
  CHECK(emulated.warnings[0].find("f: CPUs 0-2 share a cache of level 1") == 0);
}

TEST_CASE("lscpu -p -y: cores of a cluster that share a cache of level 2 stay apart", "[lscpu]") {
  const auto topology = parse(
      "# CPU,Core,Socket,Node,,L1d,L1i,L2\n"
      "0,0,0,0,,0,0,0\n1,1,0,0,,1,1,0\n2,0,0,0,,2,2,0\n3,1,0,0,,3,3,0\n");
  CHECK(column(topology, &Cpu::core) == "0 1 2 3");
}

TEST_CASE("lscpu -p -y: numbers that repeat per cluster are no cores", "[lscpu]") {
  const auto read = parse_cpu_text(
      "# CPU,Core,Socket,Node\n"
      "0,0,0,0\n1,1,0,0\n2,1,0,0\n3,0,0,0\n4,2,0,0\n5,3,0,0\n6,3,0,0\n7,2,0,0\n",
      "f");
  CHECK(column(read.topology, &Cpu::core) == "- - - - - - - -");
  CHECK(find_cpu(read.topology, 0)->siblings.empty());
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0].find("f: the cores of CPUs 0-7 are not known") == 0);

  const auto threads = parse_cpu_text(  // CPU 5 is offline.
      "# CPU,Core,Socket,Node\n0,0,0,0\n1,1,0,0\n2,2,0,0\n3,3,0,0\n4,0,0,0\n6,2,0,0\n7,3,0,0\n",
      "f");
  CHECK(threads.warnings.empty());
  CHECK(find_cpu(threads.topology, 7)->siblings.to_list() == "3,7");
  CHECK(find_cpu(threads.topology, 1)->siblings.to_list() == "1");
}

TEST_CASE(
    "lscpu -p: numbers that go on from socket to socket are cores, however many threads are off",
    "[lscpu]") {
  // Two sockets of two cores of four threads; CPUs 9 and 12 are offline.
  const auto read = parse_cpu_text(
      "# CPU,Core,Socket,Node\n"
      "0,0,0,0\n1,1,0,0\n2,2,1,1\n3,3,1,1\n4,0,0,0\n5,1,0,0\n6,2,1,1\n7,3,1,1\n"
      "8,0,0,0\n10,2,1,1\n11,3,1,1\n13,1,0,0\n14,2,1,1\n15,3,1,1\n",
      "f");
  CHECK(read.warnings.empty());
  CHECK(find_cpu(read.topology, 8)->siblings.to_list() == "0,4,8");
  CHECK(find_cpu(read.topology, 1)->siblings.to_list() == "1,5,13");
  CHECK(find_cpu(read.topology, 15)->siblings.to_list() == "3,7,11,15");
}

TEST_CASE("lscpu -p -c: only offline CPUs", "[lscpu]") {
  const std::string text = GENERATE("# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n5,,,,,,,,\n6,,,,,,,,\n",
                                    "# CPU,Core,Socket,Node\n5,,,\n6,-,-,-\n",
                                    "CPU NODE SOCKET CORE L1d:L1i:L2:L3\n"
                                    "  5    -      -    - -\n"
                                    "  6    -      -    - -\n");
  const auto read = parse_cpu_text(text, "f");
  CHECK(read.topology.online.empty());
  CHECK(present_list(read.topology) == "5-6");
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0].find("no CPU is online") != std::string::npos);
}

TEST_CASE("lscpu -e=CPU,NODE: an offline CPU has no node", "[lscpu]") {
  const std::string blank = GENERATE("-", " ");
  const auto topology = parse("CPU NODE\n  0    0\n  1    1\n  2    " + blank + "\n  3    1\n");
  CHECK(topology.online.to_list() == "0-1,3");
  CHECK(present_list(topology) == "0-3");
  CHECK(nodes_text(topology) == "0:0 1:1,3");

  const auto flat = parse("CPU NODE\n  0    -\n  1    -\n");  // No NUMA
  CHECK(flat.online.to_list() == "0-1");
}

TEST_CASE("lscpu -e: titles that are links on a terminal", "[lscpu]") {
  const std::string end = GENERATE("\x1b\\", "\x07");
  const std::string colour = GENERATE("", "\x1b[1;33m");
  const auto link = [&](const std::string& name) {
    return colour + "\x1b]8;;the " + name + " of a CPU" + end + name + "\x1b]8;;" + end +
           (colour.empty() ? "" : "\x1b[0m");
  };
  const auto topology =
      parse("Script started\r\n" + link("CPU") + " " + link("NODE") + " " + link("SOCKET") + " " +
            link("CORE") + " " + link("L1d:L1i:L2:L3") + " " + link("ONLINE") + "\r\n" +
            "  0    0      0    0 0:0:0:0          yes\r\n"
            "  1    0      0    1 1:1:1:0          yes\r\n"
            "  2    1      1    2 2:2:2:1          yes\r\n"
            "  5    -      -    - -                 no\r\n");
  CHECK(topology.online.to_list() == "0-2");
  CHECK(present_list(topology) == "0-2,5");
  CHECK(nodes_text(topology) == "0:0-1 1:2");
  CHECK(column(topology, &Cpu::llc) == "0 0 1 -");
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
