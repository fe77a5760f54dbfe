// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/load/load.h"

#include "irqtune/core/error.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"

namespace irqtune::test {

TEST_CASE("load: /proc/stat", "[read][load]") {
  const auto cpus = parse_cpu_ticks(
      "cpu  9 9 9 9 9 9 9 9 9 9\n"
      "cpu0 10 1 5 100 20 3 4 2 7 0\n"
      "cpu12 1 2 3 4\n"
      "intr 5\ncpu3 1 1 1 1\n");
  REQUIRE(cpus.size() == 2);
  CHECK(cpus.at(0).total == 145);  // Guest time is in user time.
  CHECK(cpus.at(0).busy == 25);
  CHECK(cpus.at(0).irq == 3);
  CHECK(cpus.at(0).softirq == 4);
  CHECK(cpus.at(12).total == 10);
  CHECK(parse_cpu_ticks("").empty());
  CHECK(parse_cpu_ticks("cpux 1 2\ncpu").empty());
}

TEST_CASE("load: schedstat and softnet_stat", "[read][load]") {
  CHECK(parse_run_delay("8013431 1234567 91\n") == 1234567U);
  CHECK_FALSE(parse_run_delay("1 2"));
  CHECK_FALSE(parse_run_delay("a b c"));
  const auto squeezed = parse_softnet(
      "0000000a 00000000 0000001f 0 0 0 0 0 0 0 0 00000000 00000000 0 0\n"
      "0000000a 00000000 00000002 0 0 0 0 0 0 0 0 00000000 0000000b 0 0\n"
      "0000000a 00000000 00000002 0 0 0 0 0 0 0 0\n");  // before Linux 5.10
  CHECK(squeezed == std::map<int, std::uint64_t>{{0, 31}, {11, 2}});
}

TEST_CASE("load: a VM's run delay and exits", "[read][load]") {
  FakeTree tree;
  tree.file("/proc/uptime", "100.5 1\n");
  tree.file("/proc/interrupts", "  CPU0\n 1: 5 IO-APIC 1-edge x\nLOC: 7 Local timer\n");
  tree.file("/proc/70/task/71/schedstat", "1 20 3\n");
  tree.file("/proc/70/task/72/schedstat", "1 22 3\n");
  tree.file("/sys/kernel/debug/kvm/70-12/exits", "400\n");
  tree.file("/sys/kernel/debug/kvm/70-13/exits", "1\n");
  tree.file("/sys/kernel/debug/kvm/700-1/exits", "9999\n");
  Host host;
  Vm vm;
  vm.name = "vm1";
  vm.pid = 70;
  vm.vcpus.resize(2);
  vm.vcpus[0].tid = 71;
  vm.vcpus[1].tid = 72;
  host.vms = {vm};
  const Sysfs sysfs(tree.root());
  const auto reading = read_load(sysfs, "", host);
  CHECK(reading.at == Approx(100.5));
  CHECK(reading.vms.at("vm1").run_delay == 42U);
  CHECK(reading.vms.at("vm1").exits == 401U);
  CHECK_FALSE(reading.vms.at("vm1").irq_exits);
  REQUIRE(reading.counters.size() == 1);
  CHECK(reading.counters[0].counts == std::vector<CpuCount>{{0, 7}});
  CHECK_THROWS_AS(read_loads(sysfs, host, {}), Error);  // No second reading.
}

}  // namespace irqtune::test
