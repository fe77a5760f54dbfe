// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings/settings.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"
#include "support/hosts/make_host.h"

#include <string>

namespace irqtune {

namespace {

using test::cpus;

const std::string kCpu = "/sys/devices/system/cpu/cpu1/";

/// Four CPUs; a vector on CPU 1.
Host one_vector_host() {
  auto host = test::make_host({.cores = 4});
  test::add_device(host, "0000:3b:00.0", NodeId{0});
  test::add_vector(host, "0000:3b:00.0", "1", 500);
  return host;
}

}  // namespace

TEST_CASE("settings: a tree without them leaves everything empty", "[read]") {
  const test::FakeTree tree;
  const auto settings = read_settings(tree.sysfs(), one_vector_host());
  CHECK(settings.kernel.empty());
  CHECK(settings.power.size() == 1);
  CHECK(settings.power.at(0).governor.empty());
  CHECK_FALSE(settings.power.at(0).resume_latency_us);
  CHECK_FALSE(settings.halt_poll_ns);
  CHECK_FALSE(settings.netdev_budget);
  CHECK_FALSE(settings.unsafe_interrupts);
  CHECK(settings.softnet.empty());
  CHECK(settings.meddlers.empty());
  CHECK(settings.config.empty());
}

TEST_CASE("settings: power of the CPUs that serve vectors, and of no others", "[read]") {
  const test::FakeTree tree{{kCpu + "cpufreq/scaling_governor", "powersave\n"},
                            {kCpu + "cpufreq/scaling_driver", "acpi-cpufreq\n"},
                            {kCpu + "cpuidle/state0/name", "POLL\n"},
                            {kCpu + "cpuidle/state0/latency", "0\n"},
                            {kCpu + "cpuidle/state1/name", "C6\n"},
                            {kCpu + "cpuidle/state1/latency", "133\n"},
                            {kCpu + "cpuidle/state1/disable", "1\n"},
                            {kCpu + "power/pm_qos_resume_latency_us", "20\n"},
                            {"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "x\n"}};
  const auto power = read_settings(tree.sysfs(), one_vector_host()).power;
  REQUIRE(power.size() == 1);
  CHECK(power.at(0).cpu == 1);
  CHECK(power.at(0).governor == "powersave");
  CHECK(power.at(0).driver == "acpi-cpufreq");
  REQUIRE(power.at(0).idle.size() == 2);
  CHECK(power.at(0).idle.at(1).name == "C6");
  CHECK(power.at(0).idle.at(1).latency_us == 133);
  CHECK(power.at(0).idle.at(1).disabled);
  CHECK(power.at(0).resume_latency_us == 20);
}

TEST_CASE("settings: what a PM QoS limit means", "[read]") {
  const auto [text, limit] = GENERATE(table<std::string, std::optional<int>>(
      {{"0\n", std::nullopt}, {"n/a\n", 0}, {"50\n", 50}, {"", std::nullopt}}));
  const test::FakeTree tree{{kCpu + "power/pm_qos_resume_latency_us", text}};
  CHECK(read_settings(tree.sysfs(), one_vector_host()).power.at(0).resume_latency_us == limit);
}

TEST_CASE("settings: KVM, vfio and the network", "[read]") {
  const test::FakeTree tree{
      {"/sys/module/kvm/parameters/halt_poll_ns", "200000\n"},
      {"/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n"},
      {"/proc/sys/net/core/netdev_budget", "300\n"},
      {"/proc/sys/net/core/netdev_budget_usecs", "8000\n"},
      {"/sys/module/kvm_intel/parameters/enable_apicv", "Y\n"}};
  const auto settings = read_settings(tree.sysfs(), one_vector_host());
  CHECK(settings.halt_poll_ns == 200000);
  CHECK(settings.unsafe_interrupts == true);
  CHECK(settings.netdev_budget == 300);
  CHECK(settings.netdev_time_us == 8000);
  CHECK(settings.posting.apicv == true);
}

TEST_CASE("settings: softnet_stat names its CPUs, or counts the online ones", "[read]") {
  const std::string zeros = " 00000000 00000000 00000000 00000000 00000000 00000000 00000000";
  const std::string old_line = "00000100 00000000 0000000a" + zeros + " 00000000\n";
  const std::string new_line =
      "00000100 00000000 0000000a" + zeros + " 00000000 00000000 00000003 00000000 00000000\n";
  const auto [text, cpu] = GENERATE_COPY(table<std::string, int>({{old_line, 0}, {new_line, 3}}));
  const test::FakeTree tree{{"/proc/net/softnet_stat", text}};
  const auto softnet = read_settings(tree.sysfs(), one_vector_host()).softnet;
  REQUIRE(softnet.size() == 1);
  CHECK(softnet.at(0).cpu == cpu);
  CHECK(softnet.at(0).packets == 256);
  CHECK(softnet.at(0).squeezed == 10);
}

TEST_CASE("settings: nonsense is no fact", "[read]") {
  const test::FakeTree tree{{"/proc/net/softnet_stat", "zz 0 1\n"},
                            {"/sys/module/kvm/parameters/halt_poll_ns", "many\n"}};
  const auto settings = read_settings(tree.sysfs(), one_vector_host());
  CHECK(settings.softnet.empty());
  CHECK_FALSE(settings.halt_poll_ns);
}

TEST_CASE("settings: programs that move interrupts, by the drivers of the host", "[read]") {
  const test::FakeTree tree{{"/proc/812/comm", "irqbalance\n"},
                            {"/proc/812/cmdline", std::string("irqbalance\0--banmod=vfio\0", 25)}};
  const auto settings = read_settings(tree.sysfs(), one_vector_host());
  REQUIRE(settings.meddlers.size() == 1);
  CHECK_FALSE(settings.meddlers.at(0).would_undo);
}

}  // namespace irqtune
