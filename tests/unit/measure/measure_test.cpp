// SPDX-License-Identifier: Apache-2.0
#include "irqtune/measure/measure.h"

#include "irqtune/core/error.h"
#include "irqtune/measure/measure_file.h"

#include "support/catch.h"

#include <algorithm>

namespace irqtune::test {

namespace {

constexpr auto kAddress = "0000:3b:00.0";

/// CPUs 0-3; vm1's vCPU on CPU 2, its device's vector is IRQ 40; IRQ 50 is a disk's.
Host small_host() {
  Host host;
  for (int cpu = 0; cpu < 4; ++cpu) {
    host.topology.cpus.push_back({});
    host.topology.cpus.back().number = cpu;
    host.topology.cpus.back().online = true;
    host.topology.online.insert(cpu);
  }
  Irq vector;
  vector.number = IrqNumber{40};
  vector.actions = {"vfio-msix[0](0000:3b:00.0)"};
  vector.device = PciAddress::parse(kAddress);
  vector.vector = VectorId{*vector.device, VectorKind::msix, 0};
  Irq disk;
  disk.number = IrqNumber{50};
  disk.actions = {"nvme0q1"};
  host.irqs = {vector, disk};
  Vm vm;
  vm.name = "vm1";
  vm.devices = {*vector.device};
  host.vms = {vm};
  return host;
}

ProtectionMap protected_cpu2() {
  return {{2, {{ProtectionKind::vcpu, "vm1", CpuSet{0}, "process", {}, {}}}}};
}

/// A reading in which IRQ 40 and 50 counted so often on CPU 2, and softirq took so many ticks of
/// CPU 1's `at` x 100.
LoadReading reading(double at, std::uint64_t vector, std::uint64_t disk, std::uint64_t softirq) {
  LoadReading out;
  out.at = at;
  out.irqs = small_host().irqs;
  out.irqs[0].counts = {{2, vector}};
  out.irqs[1].counts = {{2, disk}};
  CounterRow timer;
  timer.label = "LOC";
  timer.counts = {{2, static_cast<std::uint64_t>(at * 250)}};
  out.counters = {timer};
  const auto total = static_cast<std::uint64_t>(at * 100);
  out.cpus[1] = {softirq, 0, softirq, total};
  out.cpus[2] = {0, 1, 0, total};
  out.vms["vm1"] = {static_cast<std::uint64_t>(at * 2'000'000),
                    static_cast<std::uint64_t>(at * 1000),
                    std::nullopt};
  return out;
}

Measurement measured(const std::vector<LoadReading>& readings) {
  return measure(small_host(), protected_cpu2(), CpuSet{0, 1, 3}, readings);
}

}  // namespace

TEST_CASE("measure: interrupts on vCPU cores, apart by who raised them", "[measure]") {
  const auto out = measured({reading(10, 1000, 500, 0), reading(20, 3000, 600, 0)});
  CHECK(out.seconds == Approx(10));
  CHECK(out.slices == 1);
  CHECK(out.vcpu_cores.to_list() == "2");
  CHECK(out.on_vcpu_cores.passthrough == Approx(200));
  CHECK(out.on_vcpu_cores.host == Approx(10));
  CHECK(out.on_vcpu_cores.fixed == Approx(250));
  REQUIRE(out.vms.size() == 1);
  CHECK(out.vms[0].own == Approx(200));
  CHECK(out.vms[0].other_vms == Approx(0));
  CHECK(out.vms[0].run_delay == Approx(2));
  CHECK(out.vms[0].exits == Approx(1000));
  CHECK_FALSE(out.vms[0].irq_exits);
  REQUIRE(out.vms[0].vectors.size() == 1);
  CHECK(out.vms[0].vectors[0].rate == Approx(200));
}

TEST_CASE("measure: another VM's vectors on the cores are told apart", "[measure]") {
  auto host = small_host();
  host.vms[0].devices.clear();
  Vm other;
  other.name = "vm2";
  other.devices = {*PciAddress::parse(kAddress)};
  host.vms.push_back(other);
  const std::vector readings{reading(10, 0, 0, 0), reading(20, 1000, 0, 0)};
  const auto out = measure(host, protected_cpu2(), CpuSet{0, 1, 3}, readings);
  CHECK(out.vms[0].own == Approx(0));
  CHECK(out.vms[0].other_vms == Approx(100));
  CHECK(out.vms[1].own == Approx(0));  // It has no cores of its own.
  CHECK(out.vms[1].vectors.at(0).rate == Approx(100));
}

TEST_CASE("measure: a vector that came meanwhile has no rate", "[measure]") {
  auto first = reading(10, 0, 0, 0);
  first.irqs.erase(first.irqs.begin());
  const auto out = measured({first, reading(20, 1000, 0, 0)});
  REQUIRE(out.vms[0].vectors.size() == 1);
  CHECK_FALSE(out.vms[0].vectors[0].rate);
  CHECK(out.on_vcpu_cores.passthrough == Approx(0));
}

TEST_CASE("measure: softirq above 80 % in 8 of 10 slices is an alarm, with its rows", "[measure]") {
  const auto slices_above = GENERATE(7, 8, 10);
  std::vector<LoadReading> readings;
  std::uint64_t softirq = 0;
  for (int i = 0; i <= 10; ++i) {
    readings.push_back(reading(10 + i, 0, 0, softirq));
    readings.back().irqs[1].counts = {{1, static_cast<std::uint64_t>(100 * i)}};
    softirq += i < slices_above ? 90 : 10;
  }
  const auto out = measured(readings);
  CHECK(out.slices == 10);
  REQUIRE(out.softirq_above.size() == (slices_above >= 8 ? 1U : 0U));
  if (!out.softirq_above.empty()) {
    CHECK(out.softirq_above[0].cpu == 1);
    CHECK(out.softirq_above[0].slices == static_cast<std::size_t>(slices_above));
    CHECK(out.softirq_above[0].irqs == std::vector{IrqNumber{50}});
  }
}

TEST_CASE("measure: shares of a kernel without interrupt time are not known", "[measure]") {
  auto first = reading(10, 0, 0, 0);
  auto second = reading(20, 100, 0, 0);
  for (auto* one : {&first, &second}) {
    one->cpus[2].irq = 0;
  }
  const auto out = measured({first, second});
  CHECK_FALSE(out.cpus[1].shares.irq);
  CHECK(out.cpus[1].shares.busy);
  CHECK(std::ranges::any_of(
      out.missing, [](const MissingFact& fact) { return fact.what == "irq and softirq shares"; }));
}

TEST_CASE("measure: a difference within the slices' spread is none", "[measure]") {
  const std::vector<Sample> before{{"a", {90, 110}}, {"b", {100, 101}}, {"c", {1}}, {"gone", {1}}};
  const std::vector<Sample> after{{"a", {95, 100}}, {"b", {10, 11}}, {"c", {2}}, {"new", {1}}};
  const auto out = compare(before, after);
  REQUIRE(out.size() == 3);
  CHECK(out[0].differs == false);
  CHECK(out[0].spread == Approx(20));
  CHECK(out[1].differs == true);
  CHECK(out[1].ratio == Approx(10.5 / 100.5));
  CHECK_FALSE(out[2].differs);  // One slice tells nothing of a spread.
  CHECK(out[2].ratio == Approx(2));
}

TEST_CASE("measure: what is no measurement is refused with its name", "[measure]") {
  for (const auto* text : {"",
                           "[]",
                           "{}",
                           R"({"schema": 3})",
                           R"({"schema": "irqtune.plan/1", "samples": {}})",
                           R"({"schema": "irqtune.measure/1"})",
                           R"({"schema": "irqtune.measure/1", "samples": {"a": 3}})",
                           R"({"schema": "irqtune.measure/1", "samples": {"a": ["x"]}})"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_samples(text, "old.json"), Error);
  }
  const auto samples =
      parse_samples(R"({"schema": "irqtune.measure/1", "samples": {"a": [1, 2.5]}})", "old.json");
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].slices == std::vector<double>{1, 2.5});
}

}  // namespace irqtune::test
