// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/diagnose.h"
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

namespace irqtune::test {

namespace {

HostId id(const std::string& kernel, const std::string& cmdline = "ro intremap=posted_msi quiet") {
  HostId host;
  host.kernel = kernel;
  host.cmdline = cmdline;
  return host;
}

bool breaks(const std::string& kernel) {
  return why_posting_breaks(id(kernel), {}).has_value();
}

std::vector<Finding> found(const Host& host, const Settings& settings = {}) {
  const auto plan = make_plan(host, {});
  return find_posting({host, plan.protections, plan, settings});
}

/// Two vectors of one VM's device.
Host posting_host() {
  auto host = make_host({});
  add_device(host, "0000:3b:00.0", NodeId{0});
  add_vector(host, "0000:3b:00.0", "0-3");
  add_vector(host, "0000:3b:00.0", "0-3");
  add_vm(host, "db1", {"1"}, {"0000:3b:00.0"});
  return host;
}

bool says(const std::vector<std::string>& lines, const std::string& text) {
  return std::ranges::any_of(
      lines, [&](const auto& line) { return line.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("posting: which kernels break posted vectors", "[posting]") {
  CHECK_FALSE(breaks("6.9.12"));
  CHECK(breaks("6.10.0"));
  CHECK(breaks("6.11.0-19-generic"));
  CHECK(breaks("6.11.99"));
  CHECK(breaks("6.12.23"));
  CHECK_FALSE(breaks("6.12.24"));
  CHECK_FALSE(breaks("6.12.95+deb12-amd64"));
  CHECK(breaks("6.13.11"));
  CHECK_FALSE(breaks("6.13.12"));
  CHECK(breaks("6.14"));
  CHECK(breaks("6.14.2-arch1-1"));
  CHECK_FALSE(breaks("6.14.3"));
  CHECK_FALSE(breaks("6.15.0-rc1"));
  CHECK_FALSE(breaks("7.3.0"));
  CHECK_FALSE(breaks("5.12.1"));
  CHECK_FALSE(breaks("six"));
}

TEST_CASE("posting: a distribution's own numbers do not tell", "[posting]") {
  const auto [kernel, known] = GENERATE(table<std::string, bool>({
      {"6.12.0-55.9.1.el10_0.x86_64", false},
      {"6.11.0-26-generic", false},
      {"6.14.0-15-generic", false},
      {"6.12.23+deb13-amd64", true},
      {"6.13.0-rc3", true},
      {"6.14.2-arch1-1", true},
      {"6.12.0", true},
  }));
  auto host = posting_host();
  for (auto& irq : host.irqs) {
    irq.posted = Posted::remapped;
  }
  host.id = id(kernel);
  CAPTURE(kernel);
  const auto findings = found(host);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == (known ? Severity::critical : Severity::warning));
  CHECK(findings[0].confidence == (known ? Confidence::likely : Confidence::possible));
  CHECK(findings[0].title.ends_with(known ? "affinity breaks vectors posted to vCPUs"
                                          : "affinity may break vectors posted to vCPUs"));
  CHECK(says(findings[0].remedy, "rpm -q --changelog") == !known);
}

TEST_CASE("posting: kernels that cannot have it, and vendors that may have brought it back",
          "[posting]") {
  PostingFacts facts;
  const auto breaks_with = [&](const std::string& kernel) {
    return why_posting_breaks(id(kernel), facts).has_value();
  };
  CHECK_FALSE(breaks_with("6.8.0-60-generic"));
  CHECK_FALSE(breaks_with("5.14.0-570.12.1.el9_6.x86_64"));
  facts.posted_msi = true;
  CHECK_FALSE(breaks_with("6.8.12"));
  CHECK(breaks_with("5.14.0-570.12.1.el9_6.x86_64"));
  CHECK(breaks_with("6.12.1"));
  facts.posted_msi = false;  // Built without: the row PMN is missing.
  CHECK_FALSE(breaks_with("6.12.1"));
  CHECK_FALSE(breaks_with("6.12.0-55.el10"));
  facts.posted_msi.reset();
  facts.avic = true;  // An AMD host: posted MSIs are Intel's.
  CHECK_FALSE(breaks_with("6.12.1"));
}

TEST_CASE("posting: only with posted_msi among the values of intremap=", "[posting]") {
  const auto with = [](const std::string& cmdline) {
    return why_posting_breaks(id("6.12.1", cmdline), {}).has_value();
  };
  CHECK(with("intremap=posted_msi"));
  CHECK(with("quiet intremap=on,posted_msi ro"));
  CHECK(with("\"intremap=posted_msi\""));
  CHECK(with("intremap=posted_msi intremap=nosid"));
  CHECK_FALSE(with("intremap=posted_msi,nopost"));
  CHECK_FALSE(with("intremap=posted_msi intremap=nopost"));
  CHECK_FALSE(with("quiet -- intremap=posted_msi"));
  CHECK_FALSE(with("intremap=on"));
  CHECK_FALSE(with("intremap=nopost foo=posted_msi"));
  CHECK_FALSE(with("xintremap=posted_msi"));
  CHECK_FALSE(with(""));
  HostId unknown;
  CHECK_FALSE(why_posting_breaks(unknown, {}));
}

TEST_CASE("posting: nothing breaks where KVM posts nothing", "[posting]") {
  PostingFacts facts;
  facts.apicv = false;
  CHECK_FALSE(why_posting_breaks(id("6.12.1"), facts));
  facts.device_posted_irqs = true;
  CHECK(why_posting_breaks(id("6.12.1"), facts));
  facts.device_posted_irqs = false;
  facts.apicv = true;
  CHECK_FALSE(why_posting_breaks(id("6.12.1"), facts));
}

TEST_CASE("posting: the bug is a critical finding, and a fixed kernel is none", "[posting]") {
  auto host = posting_host();
  for (auto& irq : host.irqs) {
    irq.posted = Posted::remapped;
  }
  host.id = id("6.12.23");
  const auto findings = found(host);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].id == "posted-msi-clobber");
  CHECK(findings[0].severity == Severity::critical);
  CHECK(findings[0].irqs.size() == 2);
  CHECK(says(findings[0].remedy, "688124cc541f"));
  CHECK_FALSE(says(findings[0].remedy, "irqbalance"));
  CHECK(says(findings[0].remedy, "take intremap=posted_msi off the kernel command line"));
  Settings settings;
  settings.kernel = parse_kernel_parameters("intremap=nosid,posted_msi");
  Meddler balance;
  balance.name = "irqbalance";
  settings.meddlers = {balance};
  const auto more = found(host, settings);
  CHECK(says(more[0].remedy, "systemctl stop irqbalance"));
  CHECK(says(more[0].remedy, "take intremap=nosid,posted_msi off the kernel command line"));
  host.id = id("6.12.24");
  CHECK(found(host).empty());
}

TEST_CASE("posting: vectors that may be posted are named, with how they are known", "[posting]") {
  auto host = posting_host();
  host.irqs[0].counts = {{0, 12}};
  host.irqs[0].chip = "IR-PCI-MSIX-0000:3b:00.0";
  host.counters.push_back({"PIN", "Posted-interrupt notification event", 34, 4, {}});
  Settings settings;
  settings.posting.apicv = true;
  const auto findings = found(host, settings);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].id == "irq-posted");
  CHECK(findings[0].severity == Severity::info);
  CHECK(findings[0].confidence == Confidence::possible);
  CHECK(findings[0].irqs.size() == 2);
  CHECK(findings[0].vms == std::vector<std::string>{"db1"});
  CHECK(says(findings[0].evidence, "enable_apicv: Y"));
  CHECK(says(findings[0].evidence, "0000:3b:00.0 (VM db1): 1 of 2 rows have never counted"));
  CHECK(says(findings[0].evidence, "IR-"));
  CHECK(says(findings[0].evidence, "PIN 34"));
}

TEST_CASE("posting: rows that stand still during a sample", "[posting]") {
  auto host = posting_host();
  host.rate_source = RateSource::sampled;
  host.irqs[0].counts = {{0, 12}};
  const auto findings = found(host);
  REQUIRE(findings.size() == 1);
  CHECK(says(findings[0].evidence, "2 of 2 rows stood still during the sample"));
}

TEST_CASE("posting: remapped and unknown vectors are no finding", "[posting]") {
  auto host = posting_host();
  host.irqs[0].posted = Posted::remapped;
  host.irqs[1].posted = Posted::unknown;
  CHECK(found(host).empty());
}

}  // namespace irqtune::test
