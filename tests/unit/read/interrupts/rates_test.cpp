// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/rates.h"

#include "read/interrupts/rates.h"
#include "support/catch.h"
#include "support/hosts/fake_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <sys/stat.h>

namespace irqtune::test {

namespace {

/// "0:1.5 2:20": CPUs and their rates.
std::string text(const std::vector<CpuRate>& rates) {
  std::string out;
  for (const auto& rate : rates) {
    out += out.empty() ? "" : " ";
    out += fmt::format("{}:{}", rate.cpu, std::lround(rate.rate * 10));
  }
  return out;
}

/// The rates and busy shares of a tree that has these first readings.
Host read(const FakeTree& tree, const ReadOptions& options = {}) {
  Host host;
  host.irqs = read_interrupt_table(tree.sysfs(), "").irqs;
  for (int number = 0; number < 2; ++number) {
    Cpu cpu;
    cpu.number = number;
    host.topology.cpus.push_back(cpu);
  }
  read_rates(tree.sysfs(), options, host);
  return host;
}

constexpr auto kFirst =
    "           CPU0       CPU1\n"
    " 40:  100  0  IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n"
    " 41:   10  0  IR-PCI-MSI 2-edge vfio-msix[1](0000:21:00.0)\n";
constexpr auto kSecond =
    "           CPU0       CPU1\n"
    " 40:  100  500  IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n"
    " 41:   60  0  IR-PCI-MSI 2-edge eth7\n";

}  // namespace

TEST_CASE("rates: by CPU, zeros left out", "[read][rates]") {
  CHECK(text(rates_between({{0, 100}, {1, 7}}, {{0, 150}, {1, 7}, {3, 20}}, 10)) == "0:50 3:20");
  CHECK(text(rates_between({}, {{2, 40}}, 20)) == "2:20");
  CHECK(rates_between({{0, 5}}, {}, 1).empty());
}

TEST_CASE("rates: counters wrap at 2^32", "[read][rates]") {
  CHECK(text(rates_between({{0, 4294967290U}, {1, 10}}, {{0, 4}, {1, 30}}, 10)) == "0:10 1:20");
}

TEST_CASE("rates: a counter that fell otherwise was made anew and counts from zero",
          "[read][rates]") {
  // A guest reboot: the vector is freed and allocated again under its old number.
  CHECK(text(rates_between({{0, 1000}, {1, 5}}, {{0, 30}, {1, 20}}, 10)) == "0:30 1:20");
  // From the upper half, too fast to be a wrap.
  CHECK(text(rates_between({{0, 2200000000U}}, {{0, 50}}, 10)) == "0:50");
}

TEST_CASE("rates: since boot over uptime", "[read][rates]") {
  const FakeTree tree{{"/proc/interrupts", kFirst}, {"/proc/uptime", "50.00 90.00\n"}};
  const auto host = read(tree);
  CHECK(host.rate_source == RateSource::since_boot);
  CHECK(host.sample_seconds == 50);
  CHECK(text(host.irqs[0].rates) == "0:20");
  CHECK(host.warnings.empty());
}

TEST_CASE("rates: none without an uptime", "[read][rates]") {
  FakeTree tree{{"/proc/interrupts", kFirst}};
  const auto* const uptime = GENERATE("", "0.00 0.00\n", "nonsense\n", "-5 1\n", "nan 1\n");
  tree.file("/proc/uptime", uptime);
  INFO(uptime);
  const auto host = read(tree);
  CHECK(host.rate_source == RateSource::none);
  CHECK_FALSE(host.sample_seconds);
  CHECK(host.irqs[0].rates.empty());
}

TEST_CASE("rates: a tree's second reading wins", "[read][rates]") {
  const FakeTree tree{{"/proc/interrupts", kFirst},
                      {"/proc/uptime", "50.00 90.00\n"},
                      {"/proc/stat", "cpu 0\ncpu0 10 0 10 70 0 5 5 0 0 0\ncpu1 0 0 0 9 0 1 0\n"},
                      {"/sample2/proc/interrupts", kSecond},
                      {"/sample2/proc/uptime", "60.00 99.00\n"},
                      {"/sample2/proc/stat",
                       "cpu 0\ncpu0 20 0 20 140 0 25 95 0 50 0\ncpu1 0 0 0 9 0 1 0\nintr 5\n"}};
  const auto host = read(tree);
  CHECK(host.rate_source == RateSource::sampled);
  CHECK(host.sample_seconds == 10);
  CHECK(text(host.irqs[0].rates) == "1:500");
  CHECK(host.irqs[1].rates.empty());  // The number means another handler now.
  REQUIRE(host.topology.cpus[0].irq_busy);
  CHECK(*host.topology.cpus[0].irq_busy == Approx(110.0 / 200.0));
  CHECK_FALSE(host.topology.cpus[1].irq_busy);  // No time passed on it.
}

TEST_CASE("rates: two readings of one moment are since boot, and told", "[read][rates]") {
  const FakeTree tree{{"/proc/interrupts", kFirst},
                      {"/proc/uptime", "50.00 90.00\n"},
                      {"/sample2/proc/interrupts", kSecond},
                      {"/sample2/proc/uptime", "50.00 90.00\n"}};
  const auto host = read(tree);
  CHECK(host.rate_source == RateSource::since_boot);
  REQUIRE(host.warnings.size() == 1);
  CHECK(host.warnings[0].starts_with("/sample2/proc/uptime: "));
}

TEST_CASE("rates: a second reading that cannot be read is told, and no zeros", "[read][rates]") {
  FakeTree tree{{"/proc/interrupts", kFirst},
                {"/proc/uptime", "50.00 90.00\n"},
                {"/sample2/proc/uptime", "60.00 99.00\n"}};
  REQUIRE(::mkfifo((tree.root() / "sample2/proc/interrupts").c_str(), 0600) == 0);
  const auto host = read(tree);
  CHECK(host.rate_source == RateSource::since_boot);
  CHECK_FALSE(host.warnings.empty());
}

TEST_CASE("rates: --sample on a tree without a second reading says so at once", "[read][rates]") {
  const FakeTree tree{{"/proc/interrupts", kFirst}, {"/proc/uptime", "50.00 90.00\n"}};
  ReadOptions options;
  options.sample = 3600;
  const auto host = read(tree, options);
  CHECK(host.rate_source == RateSource::since_boot);
  REQUIRE(host.warnings.size() == 1);
  CHECK(host.warnings[0].starts_with("--sample: "));
}

TEST_CASE("rates: /proc/stat by CPU", "[read][rates]") {
  const auto times = parse_stat(
      "cpu  99 99 99 99 99 99 99 99 99 99\n"
      "cpu0 1 2 3 4 5 6 7 8 1000 1000\n"
      "cpu12 1 2 3 4\n"
      "cpux 1\n"
      "cpu13\n"
      "intr 12345 0 0\n");
  REQUIRE(times.size() == 3);
  CHECK(times.at(0).irq == 13);
  CHECK(times.at(0).total == 36);  // Guest time is in user time already.
  CHECK(times.at(12).irq == 0);
  CHECK(times.at(12).total == 10);
  CHECK(times.at(13).total == 0);
  CHECK(parse_stat("").empty());
}

TEST_CASE("rates: a table that cannot be read is told", "[read][rates]") {
  FakeTree tree;
  const auto absent = read_interrupt_table(tree.sysfs(), "");
  CHECK(absent.warnings ==
        std::vector<std::string>{"/proc/interrupts: No such file or directory; no interrupts are "
                                 "known"});
  tree.file("/proc/interrupts/file", "");
  const auto directory = read_interrupt_table(tree.sysfs(), "");
  CHECK(directory.warnings ==
        std::vector<std::string>{"/proc/interrupts: Is a directory; no interrupts are known"});
}

}  // namespace irqtune::test
