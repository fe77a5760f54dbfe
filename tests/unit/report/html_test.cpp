// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/html.h"

#include "report/html/parts.h"
#include "support/catch.h"

namespace irqtune::test {

TEST_CASE("html: what the host says is escaped", "[report]") {
  CHECK(html::escaped("<b>&\"'") == "&lt;b&gt;&amp;&quot;&#39;");
  Host host;
  host.id.hostname = "<script>alert(1)</script>";
  Cpu cpu;
  cpu.online = true;
  host.topology.cpus = {cpu};
  host.topology.online = {0};
  Plan plan;
  plan.protections = {
      {0, {{ProtectionKind::vcpu, "<img src=x>@title@", CpuSet{0}, "process", {}, {}}}}};
  plan.protected_cpus = {0};
  const std::vector<Finding> findings;
  const std::vector<std::vector<Sample>> history;
  const auto page = page_html({host, plan, findings, history});
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("<img") == std::string::npos);
  CHECK(page.find("&lt;img src=x&gt;@title@") != std::string::npos);  // No part within a part.
}

TEST_CASE("html: a bar is as long as the load, in interrupts of a CPU of full capacity",
          "[report]") {
  Host host;
  for (const int number : {0, 1}) {
    Cpu cpu;
    cpu.number = number;
    cpu.online = true;
    cpu.capacity = number == 0 ? 1024 : 512;
    host.topology.cpus.push_back(cpu);
    host.topology.online.insert(number);
    Irq irq;
    irq.number = IrqNumber{static_cast<std::uint32_t>(40 + number)};
    irq.listed = true;
    irq.actions = {"nic"};
    irq.affinity = irq.effective = CpuSet{number};
    irq.rates = {{number, 1000}};
    host.irqs.push_back(irq);
  }
  host.rate_source = RateSource::sampled;
  const std::vector<Finding> findings;
  const std::vector<std::vector<Sample>> history;
  const Plan plan;
  const auto page = page_html({host, plan, findings, history});
  CHECK(page.find("CPU 1: takes no vectors; 0 vectors, 1000 interrupts a second") !=
        std::string::npos);
  const auto bar = [&](std::string_view width) {
    const auto text = std::string("width=\"") + std::string(width) + "\" height=\"4\"";
    return page.find(text) != std::string::npos;
  };
  CHECK(bar("34"));  // All of the cell, but for its margins.
  CHECK(bar("17"));  // Half as much.
}

TEST_CASE("html: letters go on after Z", "[report]") {
  Plan plan;
  for (int i = 0; i < 30; ++i) {
    const auto name = "vm" + std::to_string(100 + i);
    plan.protections[i] = {{ProtectionKind::vcpu, name, CpuSet{0}, "process", {}, {}}};
  }
  const auto keys = html::vm_keys(plan);
  CHECK(keys.at("vm100").letter == "A");
  CHECK(keys.at("vm125").letter == "Z");
  CHECK(keys.at("vm126").letter == "AA");
}

}  // namespace irqtune::test
