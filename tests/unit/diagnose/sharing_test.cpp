// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/diagnose.h"
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

#include <fmt/format.h>

namespace irqtune::test {

namespace {

std::vector<Finding> found(const Host& host, double shared_rate = 500) {
  const auto plan = make_plan(host, {});
  const Settings settings;
  return find_sharing({host, plan.protections, plan, settings, shared_rate});
}

/// The finding with this id; fails the test if there is none.
Finding require_found(const Host& host, const std::string& id) {
  const auto findings = found(host);
  const auto finding = std::ranges::find(findings, id, &Finding::id);
  REQUIRE(finding != findings.end());
  return *finding;
}

bool has(const std::vector<Finding>& findings, const std::string& id) {
  return std::ranges::find(findings, id, &Finding::id) != findings.end();
}

bool says(const std::vector<std::string>& lines, const std::string& text) {
  return std::ranges::any_of(
      lines, [&](const auto& line) { return line.find(text) != std::string::npos; });
}

/// A host of four CPUs with rates since boot.
Host quiet_host() {
  auto host = make_host({});
  host.rate_source = RateSource::since_boot;
  return host;
}

/// An INTx line at CPU 1 with these handlers.
Irq& add_line(Host& host, const std::vector<std::string>& handlers, double rate) {
  auto& irq = add_host_irq(host, "", "1", rate);
  irq.chip = "IR-IO-APIC";
  irq.trigger = "fasteoi";
  irq.actions = handlers;
  irq.counts = {{1, 1000}};
  irq.line = Line{};
  for (const auto& handler : handlers) {
    if (const auto vector = parse_vfio_action(handler)) {
      irq.vector = vector;
      irq.device = vector->device;
    }
  }
  return irq;
}

/// A guest's device on the line of the host's SMBus.
Host mixed_host() {
  auto host = quiet_host();
  add_device(host, "0000:05:00.0", NodeId{0});
  add_vm(host, "db1", {"1"}, {"0000:05:00.0"});
  auto& irq = add_line(host, {"i801_smbus", "vfio-intx(0000:05:00.0)"}, 30);
  irq.line->devices.push_back({address("0000:00:1f.3"), "i801_smbus", "i2c_i801"});
  add_host_irq(host, "nvme0q1", "2", 90);
  host.rate_source = RateSource::since_boot;
  return host;
}

}  // namespace

TEST_CASE("sharing: a guest's line that a host driver shares is critical", "[sharing]") {
  const auto finding = require_found(mixed_host(), "irq-shared-passthrough");
  CHECK(finding.severity == Severity::critical);
  CHECK(finding.confidence == Confidence::certain);
  CHECK(finding.irqs.size() == 1);
  CHECK(finding.cpus.to_list() == "1");
  CHECK(finding.vms == std::vector<std::string>{"db1"});
  CHECK(finding.devices ==
        std::vector<PciAddress>{address("0000:00:1f.3"), address("0000:05:00.0")});
  CHECK(says(finding.evidence, "1000 interrupts since boot (30/s)"));
  CHECK(says(finding.evidence, "CPU 1 serves it, with 25 % of all device interrupts"));
  CHECK(says(finding.evidence, "CPU 1 also runs vCPU 0 of db1"));
  CHECK(says(finding.evidence, "0000:00:1f.3 (i801_smbus)"));
}

TEST_CASE("sharing: its remedies come in order, and by name", "[sharing]") {
  const auto remedy = require_found(mixed_host(), "irq-shared-passthrough").remedy;
  REQUIRE(remedy.size() == 9);
  CHECK(remedy[0].find("MSI") != std::string::npos);
  CHECK(remedy[1] == "if the host does without i801_smbus (0000:00:1f.3):");
  CHECK(remedy[2] ==
        "echo none > /sys/bus/pci/devices/0000:00:1f.3/driver_override; echo 0000:00:1f.3 > "
        "/sys/bus/pci/drivers/i801_smbus/unbind");
  CHECK(remedy[3].find("if no other device needs i2c_i801") != std::string::npos);
  CHECK(remedy[4] == "echo blacklist i2c_i801 >> /etc/modprobe.d/irqtune.conf");
  CHECK(remedy[5].find("slot") != std::string::npos);
  CHECK(remedy[6].find("firmware") != std::string::npos);
  CHECK(remedy[7].find("nointxmask") != std::string::npos);
  CHECK(remedy[8].find("does not unshare") != std::string::npos);
}

TEST_CASE("sharing: a module of several devices is named once", "[sharing]") {
  auto host = mixed_host();
  host.irqs[0].line->devices.push_back({address("0000:00:1d.0"), "ehci-pci", "ehci_pci"});
  host.irqs[0].line->devices.push_back({address("0000:00:1a.0"), "ehci-pci", "ehci_pci"});
  const auto remedy = require_found(host, "irq-shared-passthrough").remedy;
  CHECK(std::ranges::count(remedy, "echo blacklist ehci_pci >> /etc/modprobe.d/irqtune.conf") == 1);
  CHECK(says(remedy, "without ehci-pci (0000:00:1a.0):"));
  CHECK(says(remedy, "without ehci-pci (0000:00:1d.0):"));
}

TEST_CASE("sharing: a name from a strange tree stays one word of the command", "[sharing]") {
  auto host = mixed_host();
  host.irqs[0].line->devices[0].driver = "x; reboot #";
  const auto remedy = require_found(host, "irq-shared-passthrough").remedy;
  CHECK(remedy[2].find("/sys/bus/pci/drivers/'x; reboot #'/unbind") != std::string::npos);
}

TEST_CASE("sharing: where the devices are not known, the handler's name must do", "[sharing]") {
  auto host = mixed_host();
  host.irqs[0].line.reset();
  const auto finding = require_found(host, "irq-shared-passthrough");
  CHECK(says(finding.remedy, "does without i801_smbus"));
}

TEST_CASE("sharing: a guest's line of its own is not shared", "[sharing]") {
  auto host = mixed_host();
  host.irqs[0].actions = {"vfio-intx(0000:05:00.0)"};
  CHECK_FALSE(has(found(host), "irq-shared-passthrough"));
}

TEST_CASE("sharing: a port's own services are no partners", "[sharing]") {
  auto host = mixed_host();
  host.irqs[0].actions = {"PCIe PME", "aerdrv", "pciehp", "vfio-intx(0000:05:00.0)"};
  CHECK_FALSE(has(found(host), "irq-shared-passthrough"));
  auto ports = quiet_host();
  add_line(ports, {"PCIe PME", "aerdrv", "pciehp", "PCIe bwctrl", "dpc"}, 90'000);
  CHECK(found(ports).empty());
}

TEST_CASE("sharing: two guests on one line are a warning", "[sharing]") {
  auto host = quiet_host();
  add_device(host, "0000:05:00.0", NodeId{0});
  add_device(host, "0000:06:00.0", NodeId{0});
  add_vm(host, "db1", {""}, {"0000:05:00.0"});
  add_vm(host, "web1", {""}, {"0000:06:00.0"});
  add_line(host, {"vfio-intx(0000:05:00.0)", "vfio-intx(0000:06:00.0)"}, 10);
  const auto finding = require_found(host, "irq-shared-guests");
  CHECK(finding.severity == Severity::warning);
  CHECK(finding.vms == std::vector<std::string>{"db1", "web1"});
  CHECK(finding.devices.size() == 2);
  host.vms[0].devices.push_back(host.vms[1].devices[0]);
  host.vms.pop_back();
  CHECK(require_found(host, "irq-shared-guests").severity == Severity::info);
}

TEST_CASE("sharing: host drivers may share a line that is not busy", "[sharing]") {
  const auto severity = [](double rate) -> std::optional<Severity> {
    auto host = quiet_host();
    add_line(host, {"ehci_hcd:usb1", "ahci"}, rate);
    const auto findings = found(host);
    return findings.empty() ? std::nullopt : std::optional(findings[0].severity);
  };
  CHECK_FALSE(severity(499));
  CHECK(severity(500) == Severity::info);
  CHECK(severity(4999) == Severity::info);
  CHECK(severity(5000) == Severity::warning);
}

TEST_CASE("sharing: the user says what is busy", "[sharing]") {
  auto host = quiet_host();
  add_line(host, {"ehci_hcd:usb1", "ahci"}, 60);
  CHECK(found(host).empty());
  const auto findings = found(host, 50);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].id == "irq-shared-host");
}

TEST_CASE("sharing: without rates, only most of all interrupts count as busy", "[sharing]") {
  auto host = quiet_host();
  host.rate_source = RateSource::none;
  auto& irq = add_line(host, {"ehci_hcd:usb1", "ahci"}, 0);
  irq.counts = {{1, 1'500'000}};
  const auto busy = require_found(host, "irq-shared-host");
  CHECK(busy.confidence == Confidence::possible);
  CHECK(busy.title.find("is busy") != std::string::npos);
  add_host_irq(host, "nvme0q1", "2").counts = {{2, 9'000'000}};
  CHECK(require_found(host, "irq-shared-host").title.find("is busy") == std::string::npos);
}

TEST_CASE("sharing: without rates, the other shared lines are listed in one note", "[sharing]") {
  auto host = quiet_host();
  host.rate_source = RateSource::none;
  add_line(host, {"PCIe PME", "aerdrv"}, 0);
  CHECK(found(host).empty());
  for (int line = 0; line < 12; ++line) {
    add_line(host, {fmt::format("uhci{}", line), "ahci"}, 0).counts = {
        {1, static_cast<std::uint64_t>(line)}};
  }
  const auto findings = found(host);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].id == "irq-shared-host");
  CHECK(findings[0].severity == Severity::info);
  CHECK(findings[0].confidence == Confidence::possible);
  CHECK(findings[0].irqs.size() == 12);
  CHECK(findings[0].title.find("12 lines are shared") == 0);
  REQUIRE(findings[0].evidence.size() == 11);
  CHECK(findings[0].evidence[0].find("uhci11, ahci: 11 interrupts since boot") !=
        std::string::npos);
  CHECK(findings[0].evidence[10] == "and 2 more");
  host.rate_source = RateSource::since_boot;
  CHECK(found(host).empty());
}

TEST_CASE("sharing: interrupts that nobody took", "[sharing]") {
  auto host = quiet_host();
  auto& irq = add_line(host, {"ehci_hcd:usb1", "ahci"}, 1);
  irq.line->unhandled = 99;
  CHECK(found(host).empty());
  irq.line->unhandled = 100;
  CHECK(require_found(host, "irq-spurious").severity == Severity::info);
  irq.line->unhandled = 10'000;
  const auto finding = require_found(host, "irq-spurious");
  CHECK(finding.severity == Severity::warning);
  CHECK(says(finding.evidence, "spurious: unhandled 10000"));
  CHECK_FALSE(says(finding.remedy, "nointxmask"));  // That is of vfio alone.
  irq.actions = {"vfio-intx(0000:05:00.0)"};
  irq.vector = parse_vfio_action(irq.actions[0]);
  CHECK(says(require_found(host, "irq-spurious").remedy, "nointxmask"));
}

TEST_CASE("intx: a device that could use MSI-X is a warning", "[sharing][intx]") {
  auto host = mixed_host();
  host.irqs[0].actions = {"vfio-intx(0000:05:00.0)"};
  host.devices[0].best_kind = VectorKind::msix;
  const auto finding = require_found(host, "irq-intx-passthrough");
  CHECK(finding.severity == Severity::warning);
  CHECK(finding.confidence == Confidence::certain);
  CHECK(finding.title.find("MSI-X") != std::string::npos);
}

TEST_CASE("intx: a device that may is a note, one that cannot is none", "[sharing][intx]") {
  auto host = mixed_host();
  host.irqs[0].actions = {"vfio-intx(0000:05:00.0)"};
  const auto finding = require_found(host, "irq-intx-passthrough");
  CHECK(finding.severity == Severity::info);
  CHECK(finding.confidence == Confidence::possible);
  host.devices[0].best_kind = VectorKind::intx;
  CHECK_FALSE(has(found(host), "irq-intx-passthrough"));
}

TEST_CASE("intx: a guest that boots has not counted yet", "[sharing][intx]") {
  auto host = mixed_host();
  host.devices[0].best_kind = VectorKind::msix;
  host.irqs[0].counts.clear();
  CHECK_FALSE(has(found(host), "irq-intx-passthrough"));
}

namespace {

/// CPU 0 has three queues of 3,000/s, CPU 2 one of 1,000/s.
Host crowded_host() {
  auto host = quiet_host();
  for (const auto* name : {"eth0-0", "eth0-1", "eth0-2"}) {
    add_host_irq(host, name, "0", 3000);
  }
  add_host_irq(host, "nvme0q1", "2", 1000);
  return host;
}

/// Moves the interrupt; what was counted so far stays where it was.
void move(Irq& irq, const std::string& cpu) {
  irq.affinity = irq.effective = cpus(cpu);
}

}  // namespace

TEST_CASE("one CPU: counts of before the interrupts were moved do not tell", "[sharing]") {
  auto host = crowded_host();
  host.irqs[1].counts = {{0, 3'000'000}};
  move(host.irqs[1], "1");
  move(host.irqs[2], "3");
  CHECK_FALSE(has(found(host), "irq-one-cpu"));
  host.rate_source = RateSource::none;
  CHECK_FALSE(has(found(host), "irq-one-cpu"));
}

TEST_CASE("one CPU: it takes most of the device interrupts while others idle", "[sharing]") {
  const auto finding = require_found(crowded_host(), "irq-one-cpu");
  CHECK(finding.severity == Severity::info);
  CHECK(finding.cpus.to_list() == "0");
  CHECK(finding.irqs.size() == 3);
  CHECK(finding.title.find("90 %") != std::string::npos);
  CHECK(says(finding.evidence, "1-3"));
}

TEST_CASE("one CPU: hot, or beside a vCPU, is a warning", "[sharing]") {
  auto hot = crowded_host();
  for (auto& irq : hot.irqs) {
    irq.rates[0].rate *= 10;
  }
  CHECK(require_found(hot, "irq-one-cpu").severity == Severity::warning);
  auto beside = crowded_host();
  add_vm(beside, "db1", {"0"}, {});
  CHECK(require_found(beside, "irq-one-cpu").severity == Severity::warning);
}

TEST_CASE("one CPU: spread, slow, or of one interrupt is no finding", "[sharing]") {
  auto spread = crowded_host();
  move(spread.irqs[1], "1");
  CHECK_FALSE(has(found(spread), "irq-one-cpu"));
  auto slow = crowded_host();
  for (auto& irq : slow.irqs) {
    irq.rates[0].rate /= 10;
  }
  CHECK_FALSE(has(found(slow), "irq-one-cpu"));
  auto single = crowded_host();
  single.irqs[0].rates[0].rate = 90'000;
  CHECK_FALSE(has(found(single), "irq-one-cpu"));
}

TEST_CASE("one CPU: interrupts that the kernel manages cannot be spread", "[sharing]") {
  auto host = crowded_host();
  host.irqs[1].settable = false;
  CHECK(has(found(host), "irq-one-cpu"));  // The third can move.
  host.irqs[2].settable = false;
  CHECK_FALSE(has(found(host), "irq-one-cpu"));
}

TEST_CASE("one CPU: where all others are kept for vCPUs it is meant to be so", "[sharing]") {
  auto host = crowded_host();
  host.irqs.pop_back();
  add_vm(host, "db1", {"1", "2", "3"}, {});
  CHECK_FALSE(has(found(host), "irq-one-cpu"));
}

TEST_CASE("one CPU: timers are no device interrupts", "[sharing]") {
  auto host = quiet_host();
  add_host_irq(host, "arch_timer", "0", 9000);
  add_host_irq(host, "timer", "0", 9000);
  CHECK(found(host).empty());
}

TEST_CASE("one CPU: what CPUs send each other is no device's, on Xen and POWER", "[sharing]") {
  auto host = quiet_host();
  for (const auto* name : {"timer0",
                           "resched0",
                           "callfuncsingle0",
                           "spinlock0",
                           "irqwork0",
                           "IPI",
                           "IPI-0",
                           "IPI resched"}) {
    CAPTURE(name);
    add_host_irq(host, name, "0", 9000);
    CHECK(found(host).empty());
  }
}

TEST_CASE("one CPU: without rates it takes a million", "[sharing]") {
  auto host = quiet_host();
  host.rate_source = RateSource::none;
  add_host_irq(host, "eth0-0", "0").counts = {{0, 300'000}};
  add_host_irq(host, "eth0-1", "0").counts = {{0, 300'000}};
  CHECK(found(host).empty());
  host.irqs[0].counts = {{0, 900'000}};
  CHECK(require_found(host, "irq-one-cpu").severity == Severity::info);
}

}  // namespace irqtune::test
