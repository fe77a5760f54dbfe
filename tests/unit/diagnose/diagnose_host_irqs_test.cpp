// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

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

/// Two nodes of four cores; db1 has CPUs 2 and 3 and a device of `node`.
Host pinned_host(NodeId node = NodeId{0}) {
  auto host = make_host({.nodes = 2, .cores = 4});
  add_device(host, kDevice, node);
  add_vm(host, "db1", {"2", "3"}, {kDevice});
  return host;
}

std::string placement_ids(const Host& host, const Policy& policy = {}) {
  return ids(findings_of(find_placement, host, {}, policy));
}

}  // namespace

TEST_CASE("diagnose host interrupts: a managed queue with and without another CPU", "[diagnose]") {
  auto host = pinned_host();
  add_device(host, "0000:5e:00.0", NodeId{0}).driver = "mpt3sas";
  auto& queue = add_host_irq(host, "mpt3sas0-msix3", "3", 200);
  queue.settable = false;
  queue.device = test::address("0000:5e:00.0");
  SECTION("its mask lies within the vCPUs' CPUs") {
    const auto remedy = findings_of(find_placement, host).at(0).remedy;
    REQUIRE(remedy.size() == 1);
    CHECK(remedy.at(0).find("isolcpus=managed_irq cannot move it") != std::string::npos);
    CHECK(remedy.at(0).find("mpt3sas.max_msix_vectors=N") != std::string::npos);
  }
  SECTION("it has another CPU") {
    queue.affinity = cpus("1,3");
    queue.effective = cpus("3");
    const auto remedy = findings_of(find_placement, host).at(0).remedy;
    CHECK(has_text(remedy, "isolcpus=managed_irq,domain,2-3"));
    CHECK_FALSE(has_text(remedy, "cannot move"));
  }
}

TEST_CASE("diagnose host interrupts: on isolated CPUs that no vCPU holds", "[diagnose]") {
  auto host = pinned_host();
  host.topology.isolated = cpus("5-6");
  add_host_irq(host, "eth0-rx-0", "5", 4000);
  const auto findings = findings_of(find_placement, host);
  CHECK(ids(findings) == "host-irq-on-isolated");
  CHECK(has_text(findings.at(0).evidence, "IRQ 24 (eth0-rx-0): 4000/s on 5"));
  CHECK(findings.at(0).remedy.at(0) == "irqtune apply --scope evict");
  CHECK(findings.at(0).cpus == cpus("5"));

  host.topology.isolated = {};
  CHECK(placement_ids(host).empty());
  Policy policy;
  policy.protection.avoid = cpus("5");
  CHECK(placement_ids(host, policy) == "host-irq-on-isolated");
}

TEST_CASE("diagnose host interrupts: a storm of the board's own, wherever it is", "[diagnose]") {
  auto host = pinned_host();
  auto& acpi = add_host_irq(host, "acpi", "0", 52'000);
  acpi.device = std::nullopt;
  const auto findings = findings_of(find_placement, host);
  const auto& storm = require_finding(findings, "irq-storm");
  CHECK(storm.title.find("IRQ 24 (acpi), 52.0k/s") != std::string::npos);
  CHECK(has_text(storm.remedy, "/sys/firmware/acpi/interrupts"));

  SECTION("few are none") {
    host.irqs.back().rates.at(0).rate = 200;
    CHECK(placement_ids(host).find("irq-storm") == std::string::npos);
  }
  SECTION("a card's many are none") {
    host.irqs.back().device = test::address("0000:5e:00.0");
    CHECK(placement_ids(host).find("irq-storm") == std::string::npos);
  }
  SECTION("a timer's are none") {
    host.irqs.back().actions = {"arch_timer"};
    CHECK(placement_ids(host).find("irq-storm") == std::string::npos);
  }
}

TEST_CASE("diagnose placement: who holds the vectors, and what frees some", "[diagnose]") {
  auto host = pinned_host();
  add_vector(host, kDevice, "0", 10);
  auto& nic = add_device(host, "0000:5e:00.0", NodeId{0});
  nic.passthrough = false;
  nic.driver = "ice";
  nic.class_code = 0x020000;
  for (int i = 0; i < 30; ++i) {
    auto& irq = add_host_irq(host, "ice-eth0-TxRx-" + std::to_string(i), "0", 1);
    irq.device = nic.address;
  }
  Policy policy;
  policy.max_vectors_per_cpu = 32;
  const auto findings = findings_of(find_placement, host, {}, policy);
  const auto& finding = require_finding(findings, "vector-budget");
  CHECK(has_text(finding.evidence, "0000:5e:00.0 (ice) holds 30 vectors"));
  CHECK(has_text(finding.remedy, "/sys/bus/pci/devices/0000:5e:00.0/net | head -1) combined 6"));
}

TEST_CASE("diagnose placement: nodes of one package are a note", "[diagnose]") {
  auto host = pinned_host(NodeId{1});
  const auto severity = [&] {
    const auto findings = findings_of(find_placement, host);
    return require_finding(findings, "vm-remote-device").severity;
  };
  const auto set_distance = [&](int far) {
    for (std::size_t i = 0; i < host.topology.nodes.size(); ++i) {
      host.topology.nodes[i].distances = {i == 0 ? 10 : far, i == 0 ? far : 10};
    }
  };
  set_distance(11);
  CHECK(severity() == Severity::warning);  // Two packages.
  for (auto& cpu : host.topology.cpus) {
    cpu.package = 0;
  }
  CHECK(severity() == Severity::info);
  set_distance(21);
  CHECK(severity() == Severity::warning);
}

}  // namespace irqtune
