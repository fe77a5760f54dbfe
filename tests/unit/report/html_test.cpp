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
