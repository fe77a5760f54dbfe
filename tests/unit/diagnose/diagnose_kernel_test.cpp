// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings/settings.h"

#include "support/catch.h"
#include "support/diagnosis.h"
#include "support/hosts/make_host.h"

#include <string>

namespace irqtune {

namespace {

using test::add_device;
using test::add_host_irq;
using test::add_vector;
using test::add_vm;
using test::cpus;
using test::findings_of;
using test::has_text;
using test::ids;
using test::make_host;
using test::require_finding;

constexpr auto kDevice = "0000:3b:00.0";
constexpr auto kGood = "root=/dev/vda1 irqaffinity=0-1,4-7 isolcpus=managed_irq,domain,2-3";

/// Eight CPUs; db1 has 2 and 3, and a device with a vector on CPU 0. The command line keeps both
/// clear.
Host good_host() {
  auto host = make_host({.cores = 8});
  add_device(host, kDevice, NodeId{0});
  add_vm(host, "db1", {"2", "3"}, {kDevice});
  add_vector(host, kDevice, "0", 500);
  host.default_affinity = cpus("0-1,4-7");
  host.id.cmdline = kGood;
  host.topology.isolated = cpus("2-3");
  return host;
}

std::vector<Finding> said(const Host& host, Settings settings = {}) {
  settings.kernel = parse_kernel_parameters(host.id.cmdline.value_or(""));
  return findings_of(find_settings, host, settings);
}

/// What is said of the good host with `more` on its command line.
std::vector<Finding> said_with(const std::string& more) {
  auto host = good_host();
  host.id.cmdline = std::string(kGood) + " " + more;
  return said(host);
}

Settings with_line(ConfigTopic topic, const std::string& line) {
  Settings settings;
  settings.config = {{topic, "/etc/x", 7, line}};
  return settings;
}

CpuPower power_of(int cpu) {
  CpuPower power;
  power.cpu = cpu;
  power.governor = "schedutil";
  power.driver = "acpi-cpufreq";
  power.idle = {{"POLL", 0, false}, {"C1", 2, false}, {"C6", 133, true}};
  return power;
}

}  // namespace

TEST_CASE("diagnose kernel: a host that is set well", "[diagnose]") {
  CHECK(said(good_host()).empty());
}

TEST_CASE("diagnose kernel: the default mask lets new vectors start on vCPUs' cores",
          "[diagnose]") {
  auto host = good_host();
  host.default_affinity = cpus("0-7");
  const auto findings = said(host);
  CHECK(ids(findings) == "default-affinity-on-vcpu");
  CHECK(findings.at(0).severity == Severity::warning);
  CHECK(findings.at(0).cpus == cpus("2-3"));
  CHECK(has_text(findings.at(0).remedy, "irqtune apply --default-affinity"));
  CHECK(has_text(findings.at(0).remedy, "irqaffinity=0-1,4-7"));
  host.vms.at(0).devices.clear();
  CHECK(said(host).at(0).severity == Severity::info);
}

TEST_CASE("diagnose kernel: no interrupt remapping", "[diagnose]") {
  auto host = good_host();
  SECTION("by the chip's name") {
    host.irqs.at(0).chip = "PCI-MSIX-0000:3b:00.0";
    CHECK(ids(said(host)) == "intremap-off");
    CHECK(has_text(said(host).at(0).evidence, "IRQ 24 on chip PCI-MSIX, not IR-PCI-MSIX"));
  }
  SECTION("by the command line") {
    host.id.cmdline = std::string(kGood) + " intremap=off";
    CHECK(has_text(said(host).at(0).evidence, "intremap=off"));
  }
  SECTION("another architecture's chip") {
    host.irqs.at(0).chip = "ITS-PCI-MSIX-0000:3b:00.0";
    CHECK(said(host).empty());
  }
}

TEST_CASE("diagnose kernel: unsafe interrupts where remapping works", "[diagnose]") {
  Settings settings;
  settings.unsafe_interrupts = true;
  CHECK(ids(said(good_host(), settings)) == "unsafe-interrupts");
  settings.unsafe_interrupts = false;
  CHECK(said(good_host(), settings).empty());
}

TEST_CASE("diagnose kernel: parameters against passthrough", "[diagnose]") {
  const auto [token, id] = GENERATE(table<std::string, std::string>({
      {"iommu=off", "iommu-off"},
      {"intel_iommu=off", "iommu-off"},
      {"amd_iommu=off", "iommu-off"},
      {"pci=noaer,nomsi", "pci-nomsi"},
      {"intremap=nopost", "posting-off"},
      {"threadirqs", "threadirqs"},
      {"iommu=pt", ""},
      {"intel_iommu=on", ""},
      {"pci=noaer", ""},
  }));
  CAPTURE(token);
  CHECK(ids(said_with(token)) == id);
  if (!id.empty()) {
    const auto findings = said_with(token);
    CHECK(findings.at(0).remedy.at(0).find("take " + token + " off the kernel command line") == 0);
  }
  auto without = make_host({.cores = 8});
  without.id.cmdline = token;
  CHECK(said(without).empty());
}

TEST_CASE("diagnose kernel: parameters that a later one takes back, or of another vendor",
          "[diagnose]") {
  CHECK(said_with("intel_iommu=off intel_iommu=on").empty());
  CHECK(ids(said_with("intel_iommu=on intel_iommu=on,off")) == "iommu-off");
  CHECK(ids(said_with("iommu=off iommu=pt")) == "iommu-off");
  CHECK(ids(said_with("intremap=nopost intremap=on")) == "posting-off");
  CHECK(said_with("intremap=off intremap=on").empty());
  Settings settings;
  settings.posting.avic = false;  // An AMD host
  auto host = good_host();
  host.id.cmdline = std::string(kGood) + " intel_iommu=off";
  CHECK(said(host, settings).empty());
  host.id.cmdline = std::string(kGood) + " amd_iommu=off";
  CHECK(ids(said(host, settings)) == "iommu-off");
}

TEST_CASE("diagnose kernel: lists that contradict each other", "[diagnose]") {
  const auto [cmdline, text] = GENERATE(table<std::string, std::string>({
      {"irqaffinity=0-3 isolcpus=managed_irq,2-3", "isolcpus= or nohz_full= keeps clear: 2-3"},
      {"irqaffinity=0-2", "cores that vCPUs are pinned to: 2"},
      {"irqaffinity=0-1 nohz_full=2-4", "nohz_full= without isolation on 4"},
      {"irqaffinity=0-1 isolcpus=2-3 rcu_nocbs=2", "RCU callbacks run on 3"},
  }));
  auto host = good_host();
  host.id.cmdline = cmdline;
  CAPTURE(cmdline);
  const auto findings = said(host);
  CHECK(ids(findings) == "cmdline-conflict");
  CHECK(has_text(findings.at(0).evidence, text));
  CHECK(has_text(findings.at(0).remedy, "irqaffinity=0-1,4-7 isolcpus=managed_irq"));
}

TEST_CASE("diagnose kernel: isolcpus that misses a vCPU", "[diagnose]") {
  auto host = good_host();
  const std::string flags = GENERATE("", "domain,", "managed_irq,domain,", "managed_irq,");
  host.id.cmdline = "irqaffinity=0-1 isolcpus=" + flags + "3";
  host.topology.isolated = flags == "managed_irq," ? CpuSet{} : cpus("3");
  CAPTURE(flags);
  const auto findings = said(host);
  CHECK(ids(findings) == "cmdline-conflict");
  CHECK(findings.at(0).severity == Severity::info);
  CHECK(has_text(findings.at(0).evidence, "leaves out cores that vCPUs are pinned to: 2"));
}

TEST_CASE("diagnose kernel: queues that the kernel manages on isolated CPUs", "[diagnose]") {
  auto host = good_host();
  auto& irq = add_host_irq(host, "nvme0q3", "3", 50);
  irq.settable = false;
  irq.device = test::address("0000:01:00.0");
  CHECK(said(host).empty());  // managed_irq is there: the kernel does what it can.
  host.id.cmdline = "irqaffinity=0-1 isolcpus=2-3";
  CHECK(has_text(require_finding(said(host), "cmdline-conflict").evidence,
                 "lacks managed_irq: IRQ 25 (nvme0q3)"));
}

TEST_CASE("diagnose kernel: a command line that knows nothing of the VMs", "[diagnose]") {
  auto host = good_host();
  host.id.cmdline = "root=/dev/vda1 quiet iommu=pt";
  host.topology.isolated = {};
  const auto findings = said(host);
  CHECK(ids(findings) == "kernel-cmdline");
  CHECK(findings.at(0).severity == Severity::info);
  CHECK(findings.at(0).evidence == std::vector<std::string>{"/proc/cmdline: iommu=pt"});
  const auto remedy = findings.at(0).remedy;
  CHECK(remedy.at(0) == "on the kernel command line:");
  CHECK(remedy.at(1) == "irqaffinity=0-1,4-7 isolcpus=managed_irq,domain,2-3 iommu=pt");
  CHECK(has_text(remedy, "irqaffinity: interrupts start on housekeeping CPUs (the kernel adds"));
  CHECK(has_text(remedy, "isolcpus: queues that the kernel manages"));
  CHECK(has_text(remedy, "iommu: "));
  CHECK(has_text(remedy, "grubby --update-kernel=ALL --args='" + remedy.at(1) + "'"));
}

TEST_CASE("diagnose kernel: tokens that stay, and tokens that may go", "[diagnose]") {
  auto host = good_host();
  host.id.cmdline = "nohz_full=2-3 rcu_nocbs=2-3 amd_iommu=on iommu=pt intremap=nosid isolcpus=3";
  host.topology.isolated = cpus("3");
  const auto remedy = require_finding(said(host), "cmdline-conflict").remedy;
  CHECK(remedy.at(1) ==
        "irqaffinity=0-1,4-7 isolcpus=managed_irq,domain,2-3 nohz_full=2-3 iommu=pt "
        "intremap=nosid");
  CHECK(has_text(remedy, "rcu_nocbs= may go"));
  CHECK(has_text(remedy, "amd_iommu=on may go"));
}

TEST_CASE("diagnose kernel: harmful tokens are not recommended", "[diagnose]") {
  auto host = good_host();
  host.id.cmdline = "iommu=off intremap=nopost intel_iommu=on";
  host.topology.isolated = {};
  CHECK(require_finding(said(host), "kernel-cmdline").remedy.at(1) ==
        "irqaffinity=0-1,4-7 isolcpus=managed_irq,domain,2-3 intel_iommu=on");
}

TEST_CASE("diagnose kernel: vCPUs that share CPUs must not be isolated by the scheduler",
          "[diagnose]") {
  auto host = good_host();
  for (auto& vcpu : host.vms.at(0).vcpus) {
    vcpu.cpus = cpus("2-3");
  }
  host.topology.isolated = {};
  host.id.cmdline = "quiet";
  const auto remedy = require_finding(said(host), "kernel-cmdline").remedy;
  CHECK(remedy.at(1) == "irqaffinity=0-1,4-7 isolcpus=managed_irq,2-3");
  CHECK(has_text(remedy, "Without domain"));
  host.id.cmdline = remedy.at(1);
  CHECK(said(host).empty());
}

TEST_CASE("diagnose kernel: a vCPU on the CPU that the kernel boots on", "[diagnose]") {
  auto host = good_host();
  host.vms.at(0).vcpus.at(0).cpus = cpus("0");
  host.irqs.clear();
  host.id.cmdline = "quiet";
  host.topology.isolated = {};
  host.default_affinity.reset();
  CHECK(has_text(require_finding(said(host), "kernel-cmdline").remedy, "better pin no vCPU there"));
}

TEST_CASE("diagnose kernel: what the kernel did not take from its command line", "[diagnose]") {
  Settings settings;
  settings.knows_isolation = true;
  auto host = good_host();
  CHECK(said(host, settings).empty());
  SECTION("no list") {
    host.id.cmdline = "irqaffinity=0-1,4-7 isolcpus=managed_irq,domain,2-x";
    host.topology.isolated = {};
    const auto finding = require_finding(said(host, settings), "cmdline-conflict");
    CHECK(finding.severity == Severity::warning);
    CHECK(has_text(finding.evidence, "cannot read isolcpus=managed_irq,domain,2-x"));
  }
  SECTION("isolcpus= without effect") {
    host.topology.isolated = cpus("3");
    CHECK(has_text(require_finding(said(host, settings), "cmdline-conflict").evidence,
                   "isolcpus= is not in force on 2 (/sys/devices/system/cpu/isolated: 3)"));
  }
  SECTION("nohz_full= that differs from what came first") {
    host.id.cmdline = std::string(kGood) + " nohz_full=2-3";
    CHECK(has_text(require_finding(said(host, settings), "cmdline-conflict").evidence,
                   "nohz_full= is not in force on 2-3 (/sys/devices/system/cpu/nohz_full: none)"));
    host.topology.nohz_full = cpus("2-3");
    CHECK(said(host, settings).empty());
  }
  SECTION("a tree that does not hold the files tells nothing") {
    host.topology.isolated = {};
    host.topology.partitions = {{"/sys/fs/cgroup/vms: isolated", cpus("2-3")}};
    CHECK(said(host).empty());
  }
}

TEST_CASE("diagnose kernel: isolated at run time, the command line need not do it", "[diagnose]") {
  auto host = good_host();
  host.id.cmdline = "quiet";
  host.topology.isolated = {};
  host.topology.partitions = {{"/sys/fs/cgroup/vms: isolated", cpus("2-3")}};
  const auto findings = said(host);
  CHECK(require_finding(findings, "kernel-cmdline").remedy.at(1) ==
        "irqaffinity=0-1,4-7 isolcpus=managed_irq,2-3");
  host.id.cmdline = "irqaffinity=0-1,4-7";
  CHECK(said(host).empty());
  host.id.cmdline.reset();  // Unknown is no finding.
  CHECK(said(host).empty());
}

TEST_CASE("diagnose kernel: governors", "[diagnose]") {
  const auto [governor, driver, found] = GENERATE(table<std::string, std::string, bool>({
      {"powersave", "acpi-cpufreq", true},
      {"powersave", "intel_cpufreq", true},
      {"powersave", "intel_pstate", false},
      {"powersave", "amd-pstate-epp", false},
      {"performance", "acpi-cpufreq", false},
      {"powersave", "", false},
  }));
  Settings settings;
  settings.power = {power_of(0)};
  settings.power.at(0).governor = governor;
  settings.power.at(0).driver = driver;
  CHECK(ids(said(good_host(), settings)) == (found ? "cpu-governor" : ""));
  settings.power.at(0).cpu = 2;  // A vCPU's core is not where vectors ought to be.
  CHECK(said(good_host(), settings).empty());
}

TEST_CASE("diagnose kernel: deep idle of CPUs that serve vectors", "[diagnose]") {
  Settings settings;
  settings.power = {power_of(0)};
  CHECK(said(good_host(), settings).empty());
  settings.power.at(0).idle.at(2).disabled = false;
  const auto findings = said(good_host(), settings);
  CHECK(ids(findings) == "cpu-deep-idle");
  CHECK(has_text(findings.at(0).evidence, "C6 is enabled, 133 us"));
  CHECK(has_text(findings.at(0).remedy,
                 "for c in 0; do echo 20 > "
                 "/sys/devices/system/cpu/cpu$c/power/pm_qos_resume_latency_us; done"));
  settings.power.at(0).resume_latency_us = 20;
  CHECK(said(good_host(), settings).empty());
}

TEST_CASE("diagnose kernel: idle does not matter to a CPU without traffic", "[diagnose]") {
  auto host = good_host();
  host.irqs.at(0).rates.at(0).rate = GENERATE(50.0, 50000.0);
  Settings settings;
  settings.power = {power_of(0)};
  settings.power.at(0).idle.at(2).disabled = false;
  CHECK(said(host, settings).empty());
}

TEST_CASE("diagnose kernel: halt polling", "[diagnose]") {
  Settings settings;
  settings.halt_poll_ns = 1000000;
  CHECK(ids(said(good_host(), settings)) == "halt-polling");
  settings.halt_poll_ns = 200000;
  CHECK(said(good_host(), settings).empty());
}

TEST_CASE("diagnose kernel: halt polling as arm64 has it from the kernel", "[diagnose]") {
  auto host = good_host();
  for (auto& irq : host.irqs) {
    irq.chip = GENERATE("ITS-MSI", "ITS-PCI-MSIX-0000:44:00.0", "GICv3");
  }
  Settings settings;
  settings.halt_poll_ns = 500000;
  CHECK(said(host, settings).empty());
  settings.halt_poll_ns = 500001;
  const auto findings = said(host, settings);
  CHECK(ids(findings) == "halt-polling");
  CHECK(findings.at(0).remedy.at(1).starts_with("echo 500000 >"));
  for (auto& cpu : host.topology.cpus) {
    cpu.siblings = {cpu.number};
  }
  CHECK(said(host, settings).at(0).cost.find("sibling") == std::string::npos);
}

TEST_CASE("diagnose kernel: the network softirq runs out of budget", "[diagnose]") {
  Settings settings;
  settings.softnet = {{0, 1000000, 5000}, {1, 1000000000, 5000}, {2, 100, 90}};
  const auto findings = said(good_host(), settings);
  CHECK(ids(findings) == "time-squeeze");
  CHECK(findings.at(0).cpus == cpus("0"));
  settings.softnet.erase(settings.softnet.begin());
  CHECK(said(good_host(), settings).empty());
}

TEST_CASE("diagnose kernel: advice from hearsay on the command line", "[diagnose]") {
  const auto [token, id] = GENERATE(table<std::string, std::string>({
      {"nox2apic", "folklore-nox2apic"},
      {"intel_idle.max_cstate=1", "folklore-max-cstate"},
      {"processor.max_cstate=1", "folklore-max-cstate"},
      {"x2apic_phys", ""},
  }));
  CHECK(ids(said_with(token)) == id);
}

TEST_CASE("diagnose kernel: advice from hearsay in files", "[diagnose]") {
  const auto [topic, line, id] = GENERATE(table<ConfigTopic, std::string, std::string>({
      {ConfigTopic::numa_aware, "OPTIONS=\"--numa_aware\"", "folklore-numa-aware"},
      {ConfigTopic::netdev_budget, "net.core.netdev_budget = 60000", "folklore-netdev-budget"},
      {ConfigTopic::netdev_budget, "net.core.netdev_budget=600", ""},
      {ConfigTopic::ethtool_hash, "ethtool -X eth0 hkey", "folklore-ethtool-hkey"},
      {ConfigTopic::ethtool_hash, "ethtool -X eth0 hkey 6d:5a:56:da", ""},
      {ConfigTopic::ethtool_hash, "ethtool -X eth0 equal 8", ""},
  }));
  CAPTURE(line);
  const auto findings = said(good_host(), with_line(topic, line));
  CHECK(ids(findings) == id);
  CHECK((id.empty() || has_text(findings.at(0).evidence, "/etc/x:7: " + line)));
}

TEST_CASE("diagnose kernel: advice from hearsay at work", "[diagnose]") {
  Settings settings;
  settings.netdev_budget = 60000;
  settings.netdev_time_us = 8000;
  CHECK(has_text(require_finding(said(good_host(), settings), "folklore-netdev-budget").evidence,
                 "(8000 us)"));
  settings.netdev_budget = 300;
  settings.meddlers.resize(1);
  settings.meddlers.at(0).detail = "irqbalance --numa_aware";
  CHECK(ids(said(good_host(), settings)) == "folklore-numa-aware");
}

}  // namespace irqtune
