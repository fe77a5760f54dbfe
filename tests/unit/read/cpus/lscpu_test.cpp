// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/cpus/lscpu.h"

#include "irqtune/core/error.h"

#include "support/catch.h"
#include "support/cpu_text.h"

#include <fmt/format.h>

#include <set>

namespace irqtune {

using test::column;
using test::nodes_text;
using test::parse;
using test::present_list;

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

TEST_CASE("lscpu -e: a language nobody here knows", "[lscpu]") {
  CHECK(parse("CPU CORE ONLINE\n0 0 jes\n1 1 jes\n2 - malne\n").online.to_list() == "0-1");
  CHECK(parse("CPU NODE ONLINE\n0 0 jes\n1 0 malne\n").online.to_list() == "0-1");
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

TEST_CASE("lscpu -e: a name of many words before a number", "[lscpu]") {
  const auto topology = parse(
      "CPU MODELNAME                                 NODE CORE\n"
      "  0 Intel(R) Xeon(R) CPU E5-2650 v4 @ 2.20GHz    0    0\n"
      "  1 Intel(R) Xeon(R) CPU E5-2650 v4 @ 2.20GHz    1    1\n");
  CHECK(nodes_text(topology) == "0:0 1:1");
  CHECK(column(topology, &Cpu::core) == "0 1");
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

TEST_CASE("lscpu: the longest Spanish label has no colon and one blank", "[lscpu]") {
  const auto topology = parse(
      "CPU(s):                              20\n"
      "Lista de la(s) CPU(s) en línea:      1-5,8-19\n"
      "Lista de la(s) CPU(s) fuera de línea 0,6,7\n"
      "ID de fabricante:                    IBM/S390\n");
  CHECK(topology.online.to_list() == "1-5,8-19");
  CHECK(present_list(topology) == "0-19");
}

TEST_CASE("lscpu --hex: masks without 0x", "[lscpu]") {
  const auto topology = parse(
      "CPU(s):              2\nOn-line CPU(s) mask: 3\n"
      "NUMA node(s):        2\nNUMA node0 CPU(s):   3\nNUMA node252 CPU(s): 0\n");
  CHECK(topology.online.to_list() == "0-1");
  CHECK(nodes_text(topology) == "0:0-1 252:");
  const auto wide = parse(
      "CPU(s):              32\nOn-line CPU(s) mask: ffff000000000000000000ffff\n"
      "NUMA node0 CPU(s):   ffff\nNUMA node8 CPU(s):   ffff0000000000000000000000\n");
  CHECK(wide.online.to_list() == "0-15,88-103");
  CHECK(nodes_text(wide) == "0:0-15 8:88-103");
  const auto offline =
      parse("CPU(s):              20\nOn-line CPU(s) mask:  fff3e\nOff-line CPU(s) mask: c1\n");
  CHECK(offline.online.to_list() == "1-5,8-19");
  CHECK(present_list(offline) == "0-19");
  // Translated, so that only how many CPUs there are tells a mask from a list.
  CHECK(parse("CPU(s): 2\nMaske der Online-CPU(s): 3\n").online.to_list() == "0-1");
  CHECK(parse("CPU(s): 1\nOn-line CPU(s) mask: 1\n").online.to_list() == "0");
  CHECK(parse("CPU(s): 2\nOn-line CPU(s) mask: 1\nOff-line CPU(s) mask: 2\n").online.to_list() ==
        "0");
}

TEST_CASE("lscpu --hex: masks of the nodes where no row tells the online CPUs", "[lscpu]") {
  const auto topology = parse(
      "CPU(s):            24\nVendor ID:         GenuineIntel\nNUMA node(s):      2\n"
      "NUMA node0 CPU(s): 555555\nNUMA node1 CPU(s): aaaaaa\n");
  CHECK(topology.online.to_list() == "0-23");
  CHECK(nodes_text(topology) ==
        "0:0,2,4,6,8,10,12,14,16,18,20,22 1:1,3,5,7,9,11,13,15,17,19,21,23");
}

TEST_CASE("lscpu: a node's list may hold CPUs that are not there", "[lscpu]") {
  const auto topology =
      parse("CPU(s):                8\nOn-line CPU(s) list:   0-7\nNUMA node0 CPU(s):     0-140\n");
  CHECK(topology.online.to_list() == "0-7");
  CHECK(present_list(topology) == "0-7");
  CHECK(nodes_text(topology) == "0:0-7");
}

TEST_CASE("lscpu: how many threads a core has", "[lscpu]") {
  const auto read = [](std::string_view threads) {
    return parse_cpu_text(
        fmt::format("CPU(s): 4\nOn-line CPU(s) list: 0-2\nOff-line CPU(s) list: 3\n{}", threads),
        "f");
  };
  const auto single = read("Thread(s) per core: 1\n");
  CHECK(single.threads_per_core == 1);
  CHECK(find_cpu(single.topology, 2)->siblings.to_list() == "2");
  CHECK(find_cpu(single.topology, 3)->siblings.empty());
  CHECK(column(single.topology, &Cpu::core) == "0 1 2 -");
  const auto smt = read("Thread(s) per core: 1\nThread(s) per core: 2\n");
  CHECK(smt.threads_per_core == 2);
  CHECK(find_cpu(smt.topology, 2)->siblings.empty());
  CHECK_FALSE(read("").threads_per_core);
}

TEST_CASE("lscpu: all CPUs of the only socket are in it", "[lscpu]") {
  const auto packages = [](std::string_view sockets) {
    return column(
        parse(fmt::format("CPU(s): 2\nOn-line CPU(s) list: 0,2\n{}NUMA node(s): 1\n", sockets)),
        &Cpu::package);
  };
  CHECK(packages("Socket(s): 1\n") == "0 0");
  CHECK(packages("CPU socket(s): 1\n") == "0 0");
  CHECK(packages("Socket(s): 2\n") == "- -");
  CHECK(packages("Socket(s) per book: 1\nBook(s): 4\n") == "- -");
  CHECK(packages("Socket(s): 1\nSocket(s): 1\n") == "- -");  // One of each kind of core
  CHECK(packages("Socket(s): -\n") == "- -");
}

TEST_CASE("lscpu: a summary that says how many CPUs there are, and not which", "[lscpu]") {
  const auto read =
      parse_cpu_text("CPU(s):                8\nThread(s) per core:    1\nL1d cache: 32K\n", "f");
  CHECK(read.topology.cpus.empty());
  CHECK(read.topology.online.empty());
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0].find("f: 8 CPUs, and not which") == 0);
  CHECK_THROWS_AS(parse("Model:               1\nStepping:            1\n"), Error);
}

TEST_CASE("lscpu: the summary as JSON tells what the text does", "[lscpu]") {
  const auto topology = parse(R"({"lscpu": [{"field": "CPU(s):", "data": "2"},
      {"field": "On-line CPU(s) list:", "data": "0,1"},
      {"field": "Thread(s) per core:", "data": "1"}, {"field": "Socket(s):", "data": "1"}]})");
  REQUIRE(topology.cpus.size() == 2);
  CHECK(topology.cpus[1].core == 1);
  CHECK(topology.cpus[1].package == 0);
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

TEST_CASE("lscpu -e --json: in some languages every CPU is called online", "[lscpu]") {
  const auto online = [](std::string_view core) {
    return parse(fmt::format(R"({{"cpus": [
        {{"cpu": 0, "node": 0, "core": {}, "online": true}},
        {{"cpu": 1, "node": 0, "core": 0, "online": true}}]}})",
                             core))
        .online.to_list();
  };
  CHECK(online("-") == "1");
  CHECK(online("null") == "1");
  CHECK(online("1") == "0-1");
  // Where the column tells them apart, it is right.
  CHECK(parse("CPU CORE ONLINE\n0 - yes\n1 0 yes\n2 - no\n").online.to_list() == "0-1");
}

TEST_CASE("lscpu -e --json: an unknown number as a bare dash", "[lscpu]") {
  const auto topology = parse(
      R"({"cpus": [
          {"cpu": 0, "book": 0, "core": -, "online": false, "address": "-", "name": "a \" - b"},
          {"cpu": 1, "book": 0, "core": 0, "online": true, "address": "-1", "mhz": -},
          {"cpu": 2, "book": 0, "core": 0, "online": true, "x": -1}]})");
  CHECK(topology.online.to_list() == "1-2");
  CHECK(present_list(topology) == "0-2");
  CHECK(find_cpu(topology, 1)->siblings.to_list() == "1-2");
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

TEST_CASE("numactl --hardware: lines that a mail program broke", "[lscpu]") {
  const auto topology = parse(
      "available: 3 nodes (0-2)\n"
      "node 0 cpus: 0 1 2 3\n4 5\nnode 0 size: 64136\nMB\nnode 0 free: 100 MB\n"
      "node 1 cpus: 6-7,\n 10-11 (4)\nnode 1 size: 64509 MB\n"
      "node 2 cpus:\nnode 2 size: 64509 MB\n"
      "node distances:\nnode   0   1\n   2\n  0:  10  20\n  21\n  1:  20  10  22\n"
      "  2:\n 21  22  10\n[root@host ~]# 5\n");
  CHECK(nodes_text(topology) == "0:0-5 1:6-7,10-11 2:");
  CHECK(topology.nodes[0].distances == std::vector{10, 20, 21});
  CHECK(topology.nodes[1].distances == std::vector{20, 10, 22});
  CHECK(topology.nodes[2].distances == std::vector{21, 22, 10});
}

TEST_CASE("numactl --hardware: the oldest names no CPUs", "[lscpu]") {
  const auto read = parse_cpu_text(
      "available: 2 nodes (0-1)\nnode 0 size: 4096 MB\nnode 0 free: 300 MB\n"
      "node 1 size: 4096 MB\nnode 1 free: 17 MB\n"
      "node distances:\nnode   0   1\n  0:  10  20\n  1:  20  10\n",
      "f");
  CHECK(nodes_text(read.topology) == "0: 1:");
  CHECK(distance(read.topology, NodeId{0}, NodeId{1}) == 20);
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0].find("f: no node's CPUs") == 0);
  auto topology = parse(
      "CPU(s): 2\nOn-line CPU(s) list: 0,1\nNUMA node0 CPU(s): 0\n"
      "NUMA node1 CPU(s): 1\n");
  merge_cpu_text(topology, read);
  CHECK(nodes_text(topology) == "0:0 1:1");
  CHECK(distance(topology, NodeId{1}, NodeId{0}) == 20);
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
      "# CPU,Core,Socket,Node,,L3\n0,0,0,0,,0\n1,1,0,1,,1\n2,0,0,0,,0\n3,1,0,1,,1\n", "f");

  SECTION("nothing known") {
    Topology topology;
    merge_cpu_text(topology, text);
    CHECK(topology.online.to_list() == "0-3");
    CHECK(nodes_text(topology) == "0:0,2 1:1,3");
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
    CHECK(nodes_text(topology) == "0:0,2 1:1");
    CHECK(column(topology, &Cpu::llc) == "0 1 0 1");
    CHECK(find_cpu(topology, 1)->siblings.to_list() == "1");
  }
  SECTION("what sysfs says stands") {
    auto topology = parse("# CPU,Core,Socket,Node\n0,0,5,7\n1,0,5,7\n");
    merge_cpu_text(topology, text);
    CHECK(present_list(topology) == "0-1");
    CHECK(column(topology, &Cpu::core) == "0 0");
    CHECK(column(topology, &Cpu::package) == "5 5");
    CHECK(column(topology, &Cpu::llc) == "0 1");
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

TEST_CASE("numactl: a row with a distance beyond any kernel's is not used", "[lscpu]") {
  const auto topology = parse(
      "node 0 cpus: 0\nnode 1 cpus: 1\nnode distances:\n"
      "node 0 1\n0: 10 256\n1: 255 10\n");
  CHECK(topology.nodes[0].distances.empty());
  CHECK(topology.nodes[1].distances == std::vector{255, 10});
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
