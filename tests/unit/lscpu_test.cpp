// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/lscpu.h"

#include "irqtune/core/error.h"

#include "support/catch.h"

#include <fmt/format.h>

#include <set>

namespace irqtune {

namespace {

Topology parse(std::string_view text) {
  return parse_cpu_text(text, "cpus.txt").topology;
}

/// "0:0-3 1:4-7", the nodes with their CPUs.
std::string nodes_text(const Topology& topology) {
  std::string out;
  for (const auto& node : topology.nodes) {
    out += fmt::format(
        "{}{}:{}", out.empty() ? "" : " ", static_cast<unsigned>(node.id), node.cpus.to_list());
  }
  return out;
}

template <typename T>
std::string column(const Topology& topology, std::optional<T> Cpu::*fact) {
  std::string out;
  for (const auto& cpu : topology.cpus) {
    const auto& value = cpu.*fact;
    out += out.empty() ? "" : " ";
    out += value ? fmt::format("{}", static_cast<unsigned>(*value)) : "-";
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

}  // namespace

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
  const auto same = parse("# CPU,Node\n0,0\n# CPU,Node\n1,1\n");
  CHECK(column(same, &Cpu::node) == "0 1");
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

TEST_CASE("lscpu -e: the ONLINE column in any language", "[lscpu]") {
  const auto [yes, no] = GENERATE(table<std::string, std::string>({{"yes", "no"},
                                                                   {"oui", "non"},
                                                                   {"ja", "nein"},
                                                                   {"是", "否"},
                                                                   {"да", "нет"},
                                                                   {"evet", "hayır"},
                                                                   {"ano", "ne"},
                                                                   {"sim", "não"},
                                                                   {"tak", "nie"}}));
  CAPTURE(yes);
  const auto topology =
      parse(fmt::format("CPU NODE SOCKET CORE L1d:L1i:L2:L3 ONLINE    MAXMHZ\n"
                        "  0    0      0    0 0:0:0:0          {0} 4100,0000\n"
                        "  1    0      0    1 1:1:1:0          {0} 4100,0000\n"
                        "  2    -      -    - -                {1}         -\n"
                        "  3    -      -    - :::              {1}         -\n",
                        yes,
                        no));
  CHECK(topology.online.to_list() == "0-1");
  CHECK(present_list(topology) == "0-3");
  CHECK(column(topology, &Cpu::llc) == "0 0 - -");
  CHECK(column(topology, &Cpu::core) == "0 1 - -");
  CHECK(nodes_text(topology) == "0:0-1");
  CHECK_FALSE(find_cpu(topology, 3)->online);
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

TEST_CASE("lscpu -e: a CPU without a place is offline where no column says so", "[lscpu]") {
  const auto topology = parse("CPU CORE NODE\n  0    0    0\n  1    -    -\n");
  CHECK(topology.online.to_list() == "0");
  CHECK(parse("CPU NODE\n  0    -\n  1    -\n").online.to_list() == "0-1");
}

TEST_CASE("lscpu -e: cells with blanks and empty cells find their column", "[lscpu]") {
  const auto topology = parse(
      "CPU MODELNAME                       POLARIZATION NODE ONLINE\n"
      "  0 Some(R) Xeon(R) CPU X 2.00GHz                   1 是\n"
      "  1 Some(R) Xeon(R) CPU X 2.00GHz   horizontal      0 是\n"
      " 10                                                 - 否\n");
  CHECK(topology.online.to_list() == "0-1");
  CHECK(present_list(topology) == "0-1,10");
  CHECK(nodes_text(topology) == "0:1 1:0");
}

TEST_CASE("lscpu -e: books and drawers of s390", "[lscpu]") {
  const auto topology = parse(
      "CPU NODE DRAWER BOOK SOCKET CORE L1d:L1i:L2 ONLINE CONFIGURED POLARIZATION ADDRESS\n"
      "  0    0      0    0      0    0 0:0:0         yes yes        vert-high    0\n"
      "  1    0      0    0      0    0 1:1:1         yes yes        vert-high    1\n"
      "  2    0      0    1      1    1 2:2:2         yes yes        vert-medium  2\n"
      "  3    -      -    -      -    - :::            no no         unknown      3\n");
  CHECK(column(topology, &Cpu::core) == "0 0 1 -");
  CHECK(column(topology, &Cpu::llc) == "0 1 2 -");
  CHECK(topology.online.to_list() == "0-2");
}

TEST_CASE("lscpu -e: cores of more than two threads and a row too many", "[lscpu]") {
  const auto read =
      parse_cpu_text("$ lscpu -e=CPU,CORE\nCPU CORE\n0 0\n1 0\n2 0\n3 0\n3 1\nx 1\n", "f");
  CHECK(find_cpu(read.topology, 2)->siblings.to_list() == "0-3");
  CHECK(read.warnings.size() == 1);
}

TEST_CASE("lscpu: the summary in any language", "[lscpu]") {
  const auto text = GENERATE(as<std::string>{},
                             "Architecture:            x86_64\n"
                             "  CPU op-mode(s):        32-bit, 64-bit\n"
                             "CPU(s):                  8\n"
                             "  On-line CPU(s) list:   0-5\n"
                             "  Off-line CPU(s) list:  6,7\n"
                             "Thread(s) per core:      1\n"
                             "NUMA:                    \n"
                             "  NUMA node(s):          2\n"
                             "  NUMA node0 CPU(s):     0-4:2\n"
                             "  NUMA node3 CPU(s):     1-5:2\n"
                             "Vulnerabilities:\n  Spectre v1: Mitigation; a: b\n",
                             "Architektur:             x86_64\nCPU(s):  8\n"
                             "Liste der Online-CPU(s): 0-5\nListe der Offline-CPU(s): 6,7\n"
                             "Thread(s) pro Kern:      1\nNUMA-Knoten:   2\n"
                             "NUMA-Knoten0 CPU(s):     0,2,4\nNUMA-Knoten3 CPU(s):     1,3,5\n",
                             "Architecture :                        x86_64\n"
                             "Processeur(s)\u00a0:                       8\n"
                             "Liste de processeur(s) en ligne\u00a0:     0-5\n"
                             "Liste de processeur(s) hors ligne\u00a0:   6,7\n"
                             "Thread(s) par cœur\u00a0:                  1\n"
                             "Nœud(s) NUMA\u00a0:                        2\n"
                             "Nœud NUMA\u00a00 de processeur(s)\u00a0:        0,2,4\n"
                             "Nœud NUMA\u00a03 de processeur(s)\u00a0:        1,3,5\n",
                             "架构：           x86_64\nCPU:             8\n在线 CPU 列表：  0-5\n"
                             "离线 CPU 列表：  6,7\n每个核的线程数： 1\nNUMA 节点：      2\n"
                             "NUMA 节点0 CPU： 0,2,4\nNUMA 节点3 CPU： 1,3,5\n",
                             "CPU(s):                        8\n"
                             "Lista de la(s) CPU(s) en línea: 0-5\n"
                             "Lista de la(s) CPU(s) fuera de línea       6,7\n"
                             "CPU(s) del nodo NUMA 0:        0,2,4\n"
                             "CPU(s) del nodo NUMA 3:        1,3,5\n",
                             "CPU(s):                 8\nOn-line CPU(s) mask:    0x3f\n"
                             "Off-line CPU(s) mask:   0xc0\n"
                             "NUMA node0 CPU(s):      0x15\nNUMA node3 CPU(s):      0x2a\n");
  CAPTURE(text);
  const auto topology = parse(text);
  CHECK(topology.online.to_list() == "0-5");
  CHECK(present_list(topology) == "0-7");
  CHECK(nodes_text(topology) == "0:0,2,4 3:1,3,5");
  CHECK(column(topology, &Cpu::node) == "0 3 0 3 0 3 - -");
}

TEST_CASE("lscpu: a few lines of the summary are enough", "[lscpu]") {
  const auto topology = parse(
      "CPU(s):               16\nThread(s) per core:   2\n"
      "NUMA node0 CPU(s):    0-7\nNUMA node1 CPU(s):\n");
  CHECK(topology.online.to_list() == "0-7");
  CHECK(nodes_text(topology) == "0:0-7 1:");
  CHECK(parse("CPU(s): 1\nOn-line CPU(s) list: 0\n").online.to_list() == "0");
}

TEST_CASE("lscpu --json: flat and nested", "[lscpu]") {
  const auto text = GENERATE(
      as<std::string>{},
      R"({"lscpu": [{"field": "CPU(s):", "data": "4"}, {"field": "On-line CPU(s) list:", "data": "0-3"},
          {"field": "NUMA node1 CPU(s):", "data": "0-3"}]})",
      R"({"lscpu": [{"field": "CPU(s):", "data": "4", "children": [
             {"field": "On-line CPU(s) list:", "data": "0-3"}]},
          {"field": "NUMA:", "data": null, "children": [{"field": "NUMA node(s):", "data": "1"},
             {"field": "NUMA node1 CPU(s):", "data": "0-3"}]}]})");
  const auto topology = parse(text);
  CHECK(topology.online.to_list() == "0-3");
  CHECK(nodes_text(topology) == "1:0-3");
}

TEST_CASE("lscpu -e --json: numbers, strings, booleans and null", "[lscpu]") {
  const auto text = GENERATE(as<std::string>{},
                             R"({"cpus": [
          {"cpu": 0, "node": 0, "socket": 0, "core": 0, "l1d:l1i:l2:l3": "0:0:0:0", "online": true},
          {"cpu": 1, "node": 1, "socket": 1, "core": 1, "l1d:l1i:l2:l3": "1:1:1:1", "online": true},
          {"cpu": 2, "node": null, "socket": null, "core": null, "l1d:l1i:l2:l3": null, "online": false}]})",
                             R"({"cpus": [
          {"cpu": "0", "node": "0", "socket": "0", "core": "0", "l1d:l1i:l2:l3": "0:0:0:0", "online": "oui"},
          {"cpu": "1", "node": "1", "socket": "1", "core": "1", "l1d:l1i:l2:l3": "1:1:1:1", "online": "oui"},
          {"cpu": "2", "node": "-", "socket": "-", "core": "-", "l1d:l1i:l2:l3": ":::", "online": "non"}]})");
  const auto topology = parse(text);
  CHECK(topology.online.to_list() == "0-1");
  CHECK(present_list(topology) == "0-2");
  CHECK(nodes_text(topology) == "0:0 1:1");
  CHECK(column(topology, &Cpu::llc) == "0 1 -");
}

TEST_CASE("numactl --hardware: memory-only nodes and sparse numbers", "[lscpu]") {
  const auto topology = parse(
      "available: 3 nodes (0,8,252)\n"
      "node 0 cpus: 0 1 2 3\nnode 0 size: 257716 MB\nnode 0 free: 239932 MB\n"
      "node 8 cpus: 4 5 6 7\nnode 8 size: 0 MB\nnode 8 free: 0 MB\n"
      "node 252 cpus:\nnode 252 size: 32256 MB\nnode 252 free: 30807 MB\n"
      "node distances:\nnode   0   8  252 \n  0:  10  40  80 \n  8:  41  10  80 \n 252:  80  81  "
      "10 \n");
  CHECK(nodes_text(topology) == "0:0-3 8:4-7 252:");
  CHECK(topology.online.to_list() == "0-7");
  CHECK(distance(topology, NodeId{0}, NodeId{8}) == 40);
  CHECK(distance(topology, NodeId{8}, NodeId{0}) == 41);
  CHECK(distance(topology, NodeId{252}, NodeId{8}) == 81);
  CHECK(column(topology, &Cpu::node) == "0 0 0 0 8 8 8 8");
}

TEST_CASE("numactl --hardware: without distances, and compressed", "[lscpu]") {
  const auto topology = parse(
      "available: 2 nodes (0-1)\nnode 0 cpus: 0-1, 4-5 (4)\nnode 1 cpus: 2-3, 6-7 (4)\n"
      "No distance information available.\n");
  CHECK(nodes_text(topology) == "0:0-1,4-5 1:2-3,6-7");
  CHECK_FALSE(distance(topology, NodeId{0}, NodeId{1}));
}

TEST_CASE("numactl --hardware after lscpu in one file", "[lscpu]") {
  const auto topology = parse(
      "CPU(s):               3\nOn-line CPU(s) list:  0,1\nOff-line CPU(s) list: 2\n"
      "NUMA node0 CPU(s):    0\nNUMA node1 CPU(s):    1\n"
      "available: 2 nodes (0-1)\nnode 0 cpus: 0\nnode 1 cpus: 1\n"
      "node distances:\nnode 0 1\n0: 10 21\n1: 21 10\n");
  CHECK(distance(topology, NodeId{0}, NodeId{1}) == 21);
  CHECK(topology.online.to_list() == "0-1");
}

TEST_CASE("lscpu: what is neither tool's output is refused by name", "[lscpu]") {
  const auto text = GENERATE(as<std::string>{},
                             "",
                             "\n",
                             "hello\n",
                             "{",
                             "{}",
                             "[1]",
                             R"({"cpus": 3})",
                             R"({"cpus": [1, [2], {"node": 0}]})",
                             R"({"lscpu": {"field": 1}})",
                             "# Core,Node\n0,0\n",
                             "CPU CORE\n",
                             "NODE CORE\n0 0\n",
                             "# CPU,Node\n99999999,0\n",
                             "NAME ONE-SIZE ALL-SIZE\nL1d 32K 64K\n",
                             "No NUMA available on this system\n");
  CAPTURE(text);
  CHECK_THROWS_AS(parse(text), Error);
}

TEST_CASE("lscpu: facts fill the holes that sysfs leaves", "[lscpu]") {
  const auto text = parse_cpu_text(
      "# CPU,Core,Socket,Node,,L3\n0,0,0,0,,0\n1,1,0,0,,0\n2,0,0,1,,1\n3,1,0,1,,1\n", "f");

  SECTION("nothing known") {
    Topology topology;
    merge_cpu_text(topology, text);
    CHECK(topology.online.to_list() == "0-3");
    CHECK(nodes_text(topology) == "0:0-1 1:2-3");
    CHECK(find_cpu(topology, 3)->siblings.to_list() == "1,3");
  }
  SECTION("CPUs known by name only") {
    Topology topology;
    topology.online = {0, 1, 2};
    topology.cpus.resize(3);
    for (int i = 0; i < 3; ++i) {
      topology.cpus[static_cast<std::size_t>(i)].number = i;
    }
    merge_cpu_text(topology, text);
    CHECK(topology.online.to_list() == "0-2");
    CHECK(present_list(topology) == "0-3");
    CHECK_FALSE(find_cpu(topology, 3)->online);
    CHECK(find_cpu(topology, 0)->online);
    CHECK(nodes_text(topology) == "0:0-1 1:2");
    CHECK(column(topology, &Cpu::llc) == "0 0 1 1");
    CHECK(find_cpu(topology, 1)->siblings.to_list() == "1");
  }
  SECTION("what sysfs says stands") {
    auto topology = parse("# CPU,Core,Socket,Node\n0,0,5,7\n1,0,5,7\n");
    merge_cpu_text(topology, text);
    CHECK(present_list(topology) == "0-1");
    CHECK(column(topology, &Cpu::core) == "0 0");
    CHECK(column(topology, &Cpu::package) == "5 5");
    CHECK(column(topology, &Cpu::llc) == "0 0");
    CHECK(nodes_text(topology) == "7:0-1");
    CHECK(find_cpu(topology, 0)->siblings.to_list() == "0-1");
  }
  SECTION("distances alone") {
    auto topology = parse("# CPU,Core,Socket,Node\n0,0,0,0\n1,1,1,1\n");
    merge_cpu_text(topology,
                   parse_cpu_text("node 0 cpus: 0\nnode 1 cpus: 1\nnode distances:\nnode 0 1\n"
                                  "0: 10 32\n1: 32 10\n",
                                  "f"));
    CHECK(distance(topology, NodeId{1}, NodeId{0}) == 32);
  }
}

TEST_CASE("numactl: a node that is named twice counts once", "[lscpu]") {
  const auto topology = parse(
      "node 0 cpus: 0\nnode 1 cpus: 1\nnode 0 cpus: 2\nnode distances:\n"
      "node 0 1\n0: 10 32\n1: 32 10\n");
  CHECK(nodes_text(topology) == "0:0 1:1");
  CHECK(topology.nodes[0].distances == std::vector{10, 32});
}

TEST_CASE("lscpu: more nodes than any kernel has", "[lscpu]") {
  std::string text = "CPU(s): 4\nOn-line CPU(s) list: 0-3\n";
  for (int node = 0; node < 100'000; ++node) {
    text += fmt::format("NUMA node{} CPU(s): 0-3\n", node);
  }
  CHECK(parse(text).nodes.size() == 1024);
}

}  // namespace irqtune
