// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

#include <algorithm>

namespace irqtune::test {

namespace {

std::string map_of(const Host& host, const ProtectionRules& rules = {}) {
  const auto text = host_text(host, protections(host, rules), Section::topology, {});
  return text.substr(text.find("\n\n") + 2);
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::size_t widest_line(std::string_view text) {
  std::size_t widest = 0;
  while (!text.empty()) {
    widest = std::max(widest, take_until(text, '\n').size());
  }
  return widest;
}

}  // namespace

TEST_CASE("The map marks each CPU and counts its vectors", "[report]") {
  auto host = make_host({1, 4, 2, 2});  // CPU n and n + 4 are siblings; a cache has two cores.
  add_device(host, "0000:21:00.0", NodeId{0});
  add_vm(host, "db1", {"2", "3,7"}, {"0000:21:00.0"});
  add_vector(host, "0000:21:00.0", "6");
  add_vector(host, "0000:21:00.0", "0");
  add_vector(host, "0000:21:00.0", "0");
  CHECK(map_of(host) ==
        "housekeeping: 4 CPUs, 2 vectors (0-1,4-5)\n"
        "protected: 4 CPUs, 1 vector (2-3,6-7)\n"
        "package 0, node 0, cache 0: CPUs 0-1,4-5\n"
        "  0 .  2  1 .\n"
        "  4 .     5 .\n"
        "package 0, node 0, cache 1: CPUs 2-3,6-7\n"
        "  2 A0    3 A1\n"
        "  6 a  1  7 A1\n"
        "Each CPU: number, mark, passthrough vectors now; threads of a core one below the other.\n"
        ". housekeeping   A2 vCPU 2 of VM A   a sibling of a vCPU of VM A\nVM A is db1\n"
        "node 0: CPUs 0-7; distances 10\n");
}

TEST_CASE("The map tells every reason apart", "[report]") {
  auto host = make_host({1, 8, 1, 1});
  add_vm(host, "a", {"0", "1-2", "1-2"}, {});
  add_vm(host, "b", {"2", "3"}, {});
  host.topology.isolated = cpus("3-4");
  host.topology.nohz_full = cpus("4");
  host.topology.partitions = {{"/sys/fs/cgroup/vms", cpus("5")}};
  host.topology.cpus[7].online = false;
  host.topology.online = cpus("0-6");
  const auto map = map_of(host, {true, false, cpus("6")});
  CHECK(holds(map, "0 A0    1 A     2 *     3 B1#   4 #~    5 =     6 !     7 x\n"));
  for (const auto* word : {"x offline",
                           "# isolated",
                           "~ nohz_full",
                           "= cpuset partition",
                           "! avoided",
                           "* vCPUs of several VMs",
                           "VM A is a",
                           "VM B is b"}) {
    INFO(word);
    CHECK(holds(map, word));
  }
  CHECK_FALSE(holds(map, "housekeeping"));
}

TEST_CASE("The map of 256 CPUs fits a screen", "[report]") {
  auto host = make_host({2, 64, 2, 8});
  add_device(host, "0000:21:00.0", NodeId{0});
  for (int vm = 0; vm < 30; ++vm) {
    add_vm(host,
           "vm" + std::to_string(100 + vm),
           {std::to_string(4 * vm), std::to_string(4 * vm + 1)},
           {});
  }
  for (int vector = 0; vector < 4096; ++vector) {
    add_vector(host, "0000:21:00.0", std::to_string(vector % 256));
  }
  const auto map = map_of(host);
  CHECK(widest_line(map) <= 100);
  CHECK(std::ranges::count(map, '\n') < 70);
  CHECK(holds(map, "VM Z is vm125"));
  CHECK(holds(map, "VM AD is vm129"));
  CHECK(holds(map, "116 AD0 16"));
  CHECK(holds(map, "244 ad  16"));
}

TEST_CASE("The map does without what is unknown", "[report]") {
  Host host;
  CHECK(map_of(host) == "No CPUs known.\n");
  for (const int number : {0, 1, 5}) {
    Cpu cpu;
    cpu.number = number;
    cpu.online = number != 5;
    host.topology.cpus.push_back(cpu);
  }
  host.topology.online = cpus("0-1");
  const auto map = map_of(host);
  CHECK(holds(map, "CPUs of unknown place: CPUs 0-1\n  0 .   1 .\n"));
  CHECK(holds(map, "offline: CPUs 5\n  5 x\n"));
}

}  // namespace irqtune::test
