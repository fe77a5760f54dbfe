// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/diagnosis.h"
#include "support/hosts/make_host.h"

#include <string>

namespace irqtune {

namespace {

using test::add_device;
using test::add_vm;
using test::cpus;
using test::findings_of;
using test::has_text;
using test::ids;
using test::make_host;
using test::require_finding;

/// Eight CPUs; db1 has 2 and 3, and a device.
Host pinned_host() {
  auto host = make_host({.cores = 8});
  add_device(host, "0000:3b:00.0", NodeId{0});
  add_vm(host, "db1", {"2", "3"}, {"0000:3b:00.0"});
  return host;
}

Meddler meddler(const std::string& name, bool would_undo) {
  Meddler found;
  found.name = name;
  found.pid = 812;
  found.detail = "/usr/sbin/" + name;
  found.would_undo = would_undo;
  found.advice = {"do this"};
  found.banned_cpus = cpus("2-3");
  found.config = "/etc/default/irqbalance";
  return found;
}

std::vector<Finding> conflicts(const Host& host, const Settings& settings) {
  return findings_of(find_conflicts, host, settings);
}

Settings with_lines(ConfigTopic topic, const std::vector<std::string>& lines) {
  Settings settings;
  for (const auto& line : lines) {
    settings.config.push_back({topic, "/etc/x", settings.config.size() + 1, line});
  }
  return settings;
}

}  // namespace

TEST_CASE("diagnose conflicts: a host without other tuners", "[diagnose]") {
  CHECK(conflicts(pinned_host(), {}).empty());
}

TEST_CASE("diagnose conflicts: irqbalance and TuneD that would undo the work", "[diagnose]") {
  const auto [name, id] = GENERATE(table<std::string, std::string>(
      {{"irqbalance", "irqbalance-moves-vectors"}, {"tuned", "tuned-moves-vectors"}}));
  Settings settings;
  settings.meddlers = {meddler(name, true)};
  const auto findings = conflicts(pinned_host(), settings);
  const auto& finding = require_finding(findings, id);
  CHECK(finding.severity == Severity::warning);
  CHECK(finding.remedy == std::vector<std::string>{"do this"});
  CHECK(has_text(finding.evidence, "pid 812"));
  settings.meddlers.at(0).would_undo = false;
  CHECK(conflicts(pinned_host(), settings).empty());
}

TEST_CASE("diagnose conflicts: whoever banned numbers is told why that does not last",
          "[diagnose]") {
  Settings settings;
  settings.meddlers = {meddler("irqbalance", true)};
  const auto is_told = [&](const std::string& words) {
    settings.meddlers.at(0).detail = words;
    const auto findings = conflicts(pinned_host(), settings);
    return has_text(require_finding(findings, "irqbalance-moves-vectors").evidence,
                    "--banirq bans numbers");
  };
  CHECK(is_told("/usr/sbin/irqbalance --banirq=40 --banirq=41"));
  CHECK(is_told("irqbalance -f -i 40"));
  CHECK_FALSE(is_told("irqbalance --foreground --interval=5 -t 5"));
}

TEST_CASE("diagnose conflicts: without passed-through devices nothing is undone", "[diagnose]") {
  Settings settings;
  settings.meddlers = {meddler("irqbalance", true)};
  settings.meddlers.at(0).banned_cpus = {};
  CHECK(conflicts(make_host({.cores = 8}), settings).empty());
}

TEST_CASE("diagnose conflicts: irqbalance may use vCPUs' cores", "[diagnose]") {
  Settings settings;
  settings.meddlers = {meddler("irqbalance", false)};
  settings.meddlers.at(0).banned_cpus = cpus("3");
  const auto findings = conflicts(pinned_host(), settings);
  const auto& finding = require_finding(findings, "irqbalance-cpus");
  CHECK(finding.cpus == cpus("2"));
  CHECK(finding.remedy == std::vector<std::string>{"in /etc/default/irqbalance:",
                                                   "IRQBALANCE_BANNED_CPULIST=2-3",
                                                   "irqbalance before 1.8 knows only:",
                                                   "IRQBALANCE_BANNED_CPUS=c",
                                                   "systemctl restart irqbalance"});
}

TEST_CASE("diagnose conflicts: irqbalance knows no cpuset partitions", "[diagnose]") {
  auto host = make_host({.cores = 8});
  host.topology.partitions = {{"/sys/fs/cgroup/rt: isolated", cpus("5-6")}};
  Settings settings;
  settings.meddlers = {meddler("irqbalance", false)};
  CHECK(require_finding(conflicts(host, settings), "irqbalance-cpus").cpus == cpus("5-6"));
}

TEST_CASE("diagnose conflicts: irqbalance's CPU list overrides isolation", "[diagnose]") {
  auto host = make_host({.cores = 8});
  host.topology.isolated = cpus("4-7");
  Settings settings;
  settings.meddlers = {meddler("irqbalance", false)};
  settings.meddlers.at(0).banned_cpus = cpus("4-5");
  settings.meddlers.at(0).banned_by = "IRQBALANCE_BANNED_CPUS";
  const auto findings = conflicts(host, settings);
  const auto& finding = require_finding(findings, "irqbalance-cpus");
  CHECK(finding.title.find("overrides isolation: it may use 6-7") != std::string::npos);
  CHECK(has_text(finding.remedy, "in place of IRQBALANCE_BANNED_CPUS, which would win:"));
  CHECK(finding.confidence == Confidence::certain);
  settings.meddlers.at(0).banned_cpus = cpus("4-7");
  CHECK(conflicts(host, settings).empty());
}

TEST_CASE("diagnose conflicts: what irqbalance makes of an empty list depends on its version",
          "[diagnose]") {
  auto host = make_host({.cores = 8});
  host.topology.isolated = cpus("4-7");
  Settings settings;
  settings.meddlers = {meddler("irqbalance", false)};
  settings.meddlers.at(0).banned_cpus = {};
  settings.meddlers.at(0).banned_by = "IRQBALANCE_BANNED_CPULIST";
  const auto findings = conflicts(host, settings);
  const auto& finding = require_finding(findings, "irqbalance-cpus");
  CHECK(finding.confidence == Confidence::possible);
  CHECK(
      has_text(finding.evidence, "set to nothing: irqbalance up to 1.9.5 then keeps off isolcpus"));
}

TEST_CASE("diagnose conflicts: agents of clouds and containers", "[diagnose]") {
  const auto [name, id] = GENERATE(table<std::string, std::string>(
      {{"crio", "crio-irq-affinity"}, {"google-guest-agent", "google-agent-irq-affinity"}}));
  Settings settings;
  settings.meddlers = {meddler(name, false)};
  CHECK(ids(conflicts(pinned_host(), settings)) == id);
  CHECK(conflicts(make_host({.cores = 8}), settings).empty());
  settings.meddlers.at(0).advice.clear();  // Told already.
  CHECK(conflicts(pinned_host(), settings).empty());
}

TEST_CASE("diagnose conflicts: .link files", "[diagnose]") {
  using Lines = std::vector<std::string>;
  const auto [lines, hit] = GENERATE(table<Lines, std::string>(
      {{{"IRQAffinityPolicy=spread"}, "2-3"},
       {{"IRQAffinityPolicy=spread", "IRQAffinity=0-1,3"}, "3"},
       {{"IRQAffinityPolicy=spread", "IRQAffinity=0-1"}, ""},
       {{"IRQAffinityPolicy=spread", "IRQAffinityNUMA=0"}, "2-3"},
       {{"IRQAffinityPolicy=spread", "IRQAffinityNUMA=1"}, ""},
       {{"IRQAffinityPolicy=single"}, ""},
       {{"IRQAffinityPolicy=single", "IRQAffinity=3,5"}, "3"},
       {{"IRQAffinity=0-7"}, ""}}));  // Without a policy it means nothing.
  auto host = make_host({.nodes = 2, .cores = 4});
  add_vm(host, "db1", {"2", "3"}, {});
  const auto findings = conflicts(host, with_lines(ConfigTopic::link, lines));
  CAPTURE(lines);
  CHECK(findings.empty() == hit.empty());
  if (!hit.empty()) {
    CHECK(ids(findings) == "link-irq-affinity");
    CHECK(findings.at(0).cpus == cpus(hit));
    CHECK(has_text(findings.at(0).evidence, "/etc/x:1: " + lines.at(0)));
    CHECK(has_text(findings.at(0).remedy, "IRQAffinity=0-1,4-7"));
    // The filters' CPUs add up: a further line would take nothing away.
    CHECK(has_text(findings.at(0).remedy, "in the place of IRQAffinity= and IRQAffinityNUMA=:") ==
          (lines.size() > 1));
  }
}

TEST_CASE("diagnose conflicts: a vendor's .link file is not edited", "[diagnose]") {
  Settings settings;
  const std::string file =
      GENERATE("/usr/lib/systemd/network/70-nic.link", "/etc/systemd/network/70-nic.link");
  settings.config = {{ConfigTopic::link, file, 3, "IRQAffinityPolicy=spread"}};
  const auto remedy = conflicts(pinned_host(), settings).at(0).remedy;
  CHECK(has_text(remedy, "in /etc/systemd/network/70-nic.link, section [Link]:"));
  CHECK(has_text(remedy, "cp /usr/lib/systemd/network/70-nic.link") == file.starts_with("/usr"));
}

TEST_CASE("diagnose conflicts: scripts that set affinities", "[diagnose]") {
  const auto [line, severity] = GENERATE(table<std::string, Severity>(
      {{"/opt/set_irq_affinity local eth0", Severity::info},
       {"for i in /proc/irq/*; do echo 3 > $i/smp_affinity; done", Severity::warning},
       {"grep vfio /proc/interrupts | pin > smp_affinity", Severity::warning}}));
  const auto settings = with_lines(ConfigTopic::irq_affinity, {line});
  const auto findings = conflicts(pinned_host(), settings);
  CHECK(ids(findings) == "irq-affinity-script");
  CHECK(findings.at(0).severity == severity);
  CHECK(findings.at(0).evidence == std::vector<std::string>{"/etc/x:1: " + line});
  CHECK(conflicts(make_host({.cores = 8}), settings).empty());
}

}  // namespace irqtune
