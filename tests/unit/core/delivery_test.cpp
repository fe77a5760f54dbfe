// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/delivery.h"

#include "irqtune/core/load.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

namespace irqtune::test {

namespace {

/// A sampled host with one VM pinned to 2 and 3.
Host sampled_host() {
  auto host = make_host({1, 4, 1, 1});
  add_device(host, kNic, NodeId{0});
  add_vm(host, "vm1", {"2", "3"}, {kNic});
  host.rate_source = RateSource::sampled;
  host.sample_seconds = 1;
  return host;
}

Standing standing(const Host& host, const Irq& irq) {
  return standing_of(host, irq, protections(host, {}));
}

struct Facts {
  std::string chip;
  std::string asked;                     ///< "": the mask could not be read.
  std::optional<std::string> effective;  ///< Empty optional: no such file.
  std::vector<CpuRate> rates;
  DeliveryState state;
  std::string cpus;
  Standing standing;
};

}  // namespace

TEST_CASE("delivery: the effective CPU, what counted, the one CPU of the mask, in this order",
          "[core][delivery]") {
  using S = DeliveryState;
  const auto facts = std::to_array<Facts>({
      {"IR-PCI-MSIX", "0-3", "1", {{3, 9.0}}, S::settled, "1", Standing::clear},
      {"IR-PCI-MSIX", "0-3", "2", {}, S::settled, "2", Standing::collision},
      {"IR-PCI-MSIX", "0-3", "0-3", {{3, 9.0}}, S::settled, "3", Standing::collision},
      {"IR-PCI-MSIX", "0-3", "", {{1, 9.0}}, S::settled, "1", Standing::clear},
      {"IR-PCI-MSIX", "0-3", {}, {{1, 9.0}, {2, 1.0}}, S::settled, "1-2", Standing::collision},
      {"IR-PCI-MSIX", "2", {}, {}, S::settled, "2", Standing::collision},
      {"IR-PCI-MSIX", "0-1", {}, {}, S::unknown, "", Standing::unknown},
      {"IR-PCI-MSIX", "0-1", "0-1", {}, S::unknown, "", Standing::unknown},
      {"IR-PCI-MSIX", "", {}, {}, S::unknown, "", Standing::unknown},
      {"IR-PCI-MSIX", "", "3", {}, S::settled, "3", Standing::collision},
  });
  for (const auto& fact : facts) {
    auto host = sampled_host();
    auto& irq = add_vector(host, kNic, "0");
    irq.chip = fact.chip;
    irq.affinity = fact.asked.empty() ? std::nullopt : std::optional(cpus(fact.asked));
    irq.effective = fact.effective ? std::optional(cpus(*fact.effective)) : std::nullopt;
    irq.rates = fact.rates;
    CAPTURE(fact.asked, fact.effective.value_or("absent"), fact.cpus);
    CHECK(delivery_of(host, irq).state == fact.state);
    CHECK(delivery_of(host, irq).cpus == cpus(fact.cpus));
    CHECK(standing(host, irq) == fact.standing);
  }
}

TEST_CASE("delivery: what its old CPU counted since the write is not on its way",
          "[core][delivery]") {
  auto host = sampled_host();
  auto& irq = add_vector(host, kNic, "0");
  irq.chip = "PCI-MSI";
  irq.effective = cpus("2");
  CHECK(delivery_of(host, irq).state == DeliveryState::pending);
  irq.counted_since_write = true;
  CHECK(delivery_of(host, irq).state == DeliveryState::fallback);
  CHECK(standing(host, irq) == Standing::collision);
}

TEST_CASE(
    "delivery: outside its mask it is pending on chips that wait, and only while it is silent",
    "[core][delivery]") {
  using S = DeliveryState;
  const std::vector<CpuRate> there{{2, 3000.0}};
  const std::vector<CpuRate> elsewhere{{1, 3000.0}};
  const auto facts = std::to_array<Facts>({
      {"PCI-MSIX-0000:3b:00.0", "0", "2", {}, S::pending, "0", Standing::clear},
      {"PCI-MSI", "0", "2", elsewhere, S::pending, "0", Standing::clear},
      {"IO-APIC", "0", "2", {}, S::pending, "0", Standing::clear},
      {"PCI-MSI", "0", "2", there, S::fallback, "2", Standing::collision},
      {"PCI-MSI", "3", "0", {}, S::pending, "3", Standing::collision},
      {"IR-PCI-MSIX-0000:3b:00.0", "0", "2", {}, S::fallback, "2", Standing::collision},
      {"IR-IO-APIC", "0", "2", {}, S::fallback, "2", Standing::collision},
      {"ITS-MSI", "0", "2", {}, S::fallback, "2", Standing::collision},
      {"IR-PCI-MSI", "0", "1", {}, S::fallback, "1", Standing::clear},
  });
  for (const auto& fact : facts) {
    auto host = sampled_host();
    auto& irq = add_vector(host, kNic, "0");
    irq.chip = fact.chip;
    irq.affinity = cpus(fact.asked);
    irq.effective = cpus(*fact.effective);
    irq.rates = fact.rates;
    CAPTURE(fact.chip, fact.asked, *fact.effective);
    CHECK(delivery_of(host, irq).state == fact.state);
    CHECK(delivery_of(host, irq).cpus == cpus(fact.cpus));
    CHECK(standing(host, irq) == fact.standing);
  }
}

TEST_CASE("delivery: counts since boot tell of other days", "[core][delivery]") {
  auto host = sampled_host();
  host.rate_source = RateSource::since_boot;
  auto& irq = add_vector(host, kNic, "0-3");
  irq.effective.reset();
  irq.rates = {{2, 100.0}};
  CHECK(standing(host, irq) == Standing::unknown);
  irq.chip = "PCI-MSI";
  irq.affinity = cpus("0");
  irq.effective = cpus("2");
  CHECK(delivery_of(host, irq).state == DeliveryState::pending);
}

TEST_CASE("delivery: a mask written to a tree stands, since no kernel obeys there",
          "[core][delivery]") {
  auto host = sampled_host();
  auto& irq = add_vector(host, kNic, "0");
  irq.chip = "IR-PCI-MSIX";
  irq.effective = cpus("2");
  irq.rates = {{2, 100.0}};
  irq.written_to_tree = true;
  CHECK(delivery_of(host, irq).cpus == cpus("0"));
  CHECK(standing(host, irq) == Standing::clear);
}

TEST_CASE("delivery: posted vectors and unused ones disturb nobody", "[core][delivery]") {
  auto host = sampled_host();
  auto& irq = add_vector(host, kNic, "2");
  irq.posted = Posted::posted;
  CHECK(standing(host, irq) == Standing::posted);
  irq.posted = Posted::possible;
  CHECK(standing(host, irq) == Standing::collision);
  irq.actions.clear();
  CHECK(delivery_of(host, irq).state == DeliveryState::unused);
  CHECK(standing(host, irq) == Standing::clear);
}

TEST_CASE("delivery: a tally has collisions and unknown places apart", "[core][delivery]") {
  auto host = sampled_host();
  add_vector(host, kNic, "2");
  add_vector(host, kNic, "0");
  add_vector(host, kNic, "0-1").effective.reset();
  add_host_irq(host, "nvme0q1", "2");
  const auto map = protections(host, {});
  CHECK(tally_of(host, map) == Tally{1, 1});
  CHECK(tally_of(host, address(kNic), map) == Tally{1, 1});
  CHECK(tally_of(host, address("0000:01:00.0"), map) == Tally{});
}

TEST_CASE("delivery: interrupts that each CPU has for itself", "[core][delivery]") {
  Irq timer;
  timer.chip = "GICv3";
  timer.hwirq = 26;
  timer.actions = {"arch_timer"};
  CHECK(is_per_cpu(timer));
  timer.actions = {"something"};
  CHECK(is_per_cpu(timer));
  timer.hwirq = 33;
  CHECK_FALSE(is_per_cpu(timer));
  timer.effective = CpuSet{};
  CHECK(is_per_cpu(timer));
  timer.effective = CpuSet{2};
  CHECK_FALSE(is_per_cpu(timer));
  for (const auto* name : {"arch_timer", "arm-pmu", "kvm guest vtimer", "IPI", "timer0", "vgic"}) {
    Irq named;
    named.actions = {name};
    CAPTURE(name);
    CHECK(is_per_cpu(named));
  }
  Irq vector;
  vector.actions = {"vfio-msix[0](0000:3b:00.0)"};
  vector.device = address(kNic);
  vector.effective = CpuSet{};
  CHECK_FALSE(is_per_cpu(vector));
}

TEST_CASE("load: all of an interrupt goes where it is delivered, wherever it was counted",
          "[core][load]") {
  auto host = sampled_host();
  auto& irq = add_vector(host, kNic, "1");
  irq.rates = {{0, 10.0}, {2, 30.0}};
  CHECK(rate_on(host, irq, 1) == 40);
  CHECK(rate_on(host, irq, 2) == 0);
  irq.affinity = cpus("0-3");
  irq.effective.reset();
  CHECK(rate_on(host, irq, 1) == 0);
  CHECK(rate_on(host, irq, 2) == 30);
  RatesByCpu rates;
  add_rates(host, irq, 3, rates);
  CHECK(rates == RatesByCpu{{3, 40.0}});
}

TEST_CASE("load: a rate weighs the more the slower the CPU is", "[core][load]") {
  Cpu cpu;
  CHECK(load_of(cpu, 100) == 100);
  cpu.capacity = 1024;
  CHECK(load_of(cpu, 100) == 100);
  cpu.capacity = 512;
  CHECK(load_of(cpu, 100) == 200);
  cpu.capacity = 0;
  CHECK(load_of(cpu, 100) == 100);
}

TEST_CASE("load: a CPU's own timer is none", "[core][load]") {
  auto host = sampled_host();
  auto& irq = add_host_irq(host, "arch_timer", "0-3", 100);
  irq.effective = CpuSet{};
  irq.counts = {{1, 1000}};
  RatesByCpu rates;
  add_rates(host, irq, std::nullopt, rates);
  add_counts(host, irq, rates);
  CHECK(rates.empty());
}

TEST_CASE("load: what is not known is no 0", "[core][load]") {
  auto host = sampled_host();
  auto& irq = add_vector(host, kNic, "1");
  CHECK(rate_of(host, irq) == 0.0);
  CHECK(is_measured(host, irq));
  irq.rates_known = false;
  CHECK_FALSE(rate_of(host, irq));
  CHECK_FALSE(is_measured(host, irq));
  irq.rates_known = true;
  irq.listed = false;
  CHECK_FALSE(rate_of(host, irq));
  irq.listed = true;
  host.rate_source = RateSource::since_boot;
  CHECK(rate_of(host, irq) == 0.0);
  CHECK_FALSE(is_measured(host, irq));
  host.rate_source = RateSource::none;
  CHECK_FALSE(rate_of(host, irq));
}

}  // namespace irqtune::test
