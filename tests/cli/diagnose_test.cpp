// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "report/text/table.h"
#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/hosts/kvm_tree.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;
using Arguments = std::vector<std::string>;

Ran on(const FakeTree& tree, Arguments arguments) {
  arguments.insert(arguments.begin(), {"--root", tree.root().string()});
  return run(arguments);
}

/// A guest's device beside a host driver, and one CPU that takes all.
void share(FakeTree& tree) {
  tree.file(
      "/proc/interrupts",
      "           CPU0       CPU1       CPU2       CPU3\n"
      "  0:         10          0          0          0  IO-APIC  2-edge  timer\n"
      " 16:          0        900          0          0  IR-IO-APIC  16-fasteoi  "
      "i801_smbus, vfio-intx(0000:05:00.0)\n"
      " 17:          0         90          0          0  IR-IO-APIC  17-fasteoi  ahci, ehci\n");
}

/// The same, with the device on MSI-X: the healthy twin.
void part(FakeTree& tree) {
  tree.file("/proc/interrupts",
            "           CPU0       CPU1       CPU2       CPU3\n"
            "  0:         10          0          0          0  IO-APIC  2-edge  timer\n"
            " 16:          0          0          0          0  IR-IO-APIC  16-fasteoi  i801_smbus\n"
            " 17:          0         90          0          0  IR-IO-APIC  17-fasteoi  ahci, ehci\n"
            " 40:          0          0        900          0  IR-PCI-MSIX-0000:05:00.0  0-edge  "
            "vfio-msix[0](0000:05:00.0)\n");
}

Arguments ids_of(const Ran& ran) {
  Arguments ids;
  const auto document = Json::parse(ran.out);
  for (const auto& finding : document["findings"]) {
    ids.push_back(finding["id"]);
  }
  return ids;
}

bool contains(const Arguments& texts, const std::string& text) {
  return std::ranges::find(texts, text) != texts.end();
}

constexpr auto kEsx =
    "Vector  PCPU 0  PCPU 1\n"
    "0x81: 1544 0 COS irq 17 (PCI level), VMK aic79xx\n"
    "0x91: 90997 0 COS irq 18 (PCI level), VMK vmnic0\n";

}  // namespace

TEST_CASE("cli: diagnose needs no more than /proc/interrupts", "[cli][diagnose]") {
  FakeTree tree;
  share(tree);
  const auto ran = on(tree, {"diagnose"});
  CHECK(ran.code == 0);
  CHECK(ran.out.find("irq-shared-passthrough") != std::string::npos);
  CHECK(ran.out.starts_with("1 critical"));
  part(tree);
  const auto healthy = on(tree, {"diagnose", "-q", "--json"});
  CHECK(healthy.code == 0);
  CHECK_FALSE(contains(ids_of(healthy), "irq-shared-passthrough"));
  CHECK_FALSE(contains(ids_of(healthy), "irq-intx-passthrough"));
}

TEST_CASE("cli: diagnose of nothing says so", "[cli][diagnose]") {
  const FakeTree tree;
  const auto ran = on(tree, {"diagnose", "--only", "irq-one-cpu"});
  CHECK(ran.code == 2);
  CHECK(ran.out.empty());
  CHECK(ran.err.find("neither proc/interrupts nor a CPU") != std::string::npos);
}

TEST_CASE("cli: diagnose --fail-on", "[cli][diagnose]") {
  FakeTree tree;
  share(tree);
  CHECK(on(tree, {"diagnose", "--fail-on", "critical"}).code == 3);
  CHECK(on(tree, {"diagnose", "--fail-on", "info", "-q"}).code == 3);
  CHECK(on(tree, {"diagnose", "--fail-on", "warning", "-q"}).code == 3);
  CHECK(on(tree, {"diagnose", "--fail-on", "critical", "--skip", "irq-shared-passthrough"}).code ==
        0);
  CHECK(on(tree, {"diagnose", "--fail-on", "warning", "--only", "irq-intx-passthrough"}).code == 0);
  CHECK(on(tree, {"diagnose", "--fail-on", "never"}).code == 2);
  CHECK(on(tree, {"diagnose", "-q"}).out.empty());
}

TEST_CASE("cli: diagnose --only and --skip", "[cli][diagnose]") {
  FakeTree tree;
  share(tree);
  const auto only = on(tree, {"diagnose", "--json", "--only", "irq-shared-passthrough"});
  CHECK(ids_of(only) == Arguments{"irq-shared-passthrough"});
  const auto two = on(
      tree,
      {"diagnose", "--json", "--only", "irq-shared-passthrough", "--only", "irq-intx-passthrough"});
  CHECK(ids_of(two).size() == 2);
  const auto skip = on(tree, {"diagnose", "--json", "--skip", "irq-shared-passthrough"});
  CHECK_FALSE(contains(ids_of(skip), "irq-shared-passthrough"));
  CHECK(contains(ids_of(skip), "irq-intx-passthrough"));
}

TEST_CASE("cli: an id that is none is told with the nearest and with all", "[cli][diagnose]") {
  FakeTree tree;
  share(tree);
  for (const auto* option : {"--only", "--skip"}) {
    const auto ran = on(tree, {"diagnose", option, "irq-one-cpus"});
    CHECK(ran.code == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err.find(std::string(option) + " irq-one-cpus: no such finding") !=
          std::string::npos);
    CHECK(ran.err.find("did you mean irq-one-cpu?") != std::string::npos);
    CHECK(ran.err.find("irq-shared-host") != std::string::npos);
  }
}

TEST_CASE("cli: diagnose of the selected devices and of the host", "[cli][diagnose]") {
  FakeTree tree;
  tree.file("/proc/interrupts",
            "  CPU0 CPU1\n"
            " 16: 9 0 IR-IO-APIC 16-fasteoi  smbus, vfio-intx(0000:05:00.0)\n"
            " 17: 9 0 IR-IO-APIC 17-fasteoi  ahci, vfio-intx(0000:06:00.0)\n");
  const auto all = on(tree, {"diagnose", "--json", "--only", "irq-shared-passthrough"});
  CHECK(ids_of(all).size() == 2);
  const auto one = on(
      tree, {"diagnose", "--json", "--only", "irq-shared-passthrough", "--device", "0000:06:00.0"});
  REQUIRE(ids_of(one).size() == 1);
  CHECK(Json::parse(one.out)["findings"][0]["irqs"] == Json{17});
  CHECK(on(tree, {"diagnose", "--device", "0000:07:00.0"}).code == 2);
}

TEST_CASE("cli: diagnose's commands take the options that were typed", "[cli][diagnose]") {
  KvmTree tree;
  tree.irqs[41].cpu = 2;  // Of db1's own vCPU 0.
  tree.default_mask = "ffff";
  tree.write();
  const auto program = "irqtune --root " + tree.root().string();
  const auto commands = [&](const Arguments& options) {
    Arguments arguments = {"diagnose", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    std::string text;
    const auto document = Json::parse(on(tree, arguments).out);
    for (const auto& finding : document["findings"]) {
      for (const std::string step : finding["remedy"]) {
        if (step.starts_with("irqtune ")) {
          CHECK(step.starts_with(program));
          text += "irqtune" + step.substr(program.size()) + "\n";
        }
      }
    }
    return text;
  };
  CHECK(commands({}) == "irqtune apply --vm db1\nirqtune apply --default-affinity\n");
  CHECK(commands({"--include-defined", "--avoid", "6", "--default-affinity"}) ==
        "irqtune apply --vm db1 --avoid 6 --include-defined --default-affinity\n"
        "irqtune apply --scope evict --avoid 6 --include-defined --default-affinity\n"
        "irqtune apply --default-affinity --avoid 6 --include-defined\n");
  tree.file("/etc/other.toml", "[policy]\nmin-gain = 5\n");
  const auto config = (tree.root() / "etc/other.toml").string();
  CHECK(commands({"--only", "vector-on-vcpu", "--config", config}) ==
        "irqtune --config " + config + " apply --vm db1\n");
  CHECK(commands({"--device", "0000:3b:*", "--near", "vm"}) ==
        "irqtune apply --vm db1 --near vm\n"
        "irqtune apply --default-affinity --device '0000:3b:*' --near vm\n");
}

TEST_CASE("cli: a command for the host's own devices takes no selection of guests'",
          "[cli][diagnose]") {
  KvmTree tree;
  tree.irqs[60].cpu = 2;
  tree.irqs[60].rate = 500;
  tree.write();
  const auto ran = on(
      tree, {"diagnose", "--json", "--only", "host-irq-on-vcpu", "--vm", "web1", "--avoid", "6"});
  CHECK(Json::parse(ran.out)["findings"][0]["remedy"] ==
        Json{"irqtune --root " + tree.root().string() + " apply --scope evict --avoid 6"});
}

TEST_CASE("cli: diagnose --esx looks at no host", "[cli][diagnose][esx]") {
  FakeTree files;
  files.file("/table", kEsx);
  files.file("/console", "  CPU0\n 18: 90997 vmnix-level usb-uhci\n");
  files.file("/etc", "");
  const auto table = (files.root() / "table").string();
  const auto ran = run({"diagnose", "--esx", table, "--json"});
  CHECK(ran.code == 0);
  const auto document = Json::parse(ran.out);
  CHECK(document["host"]["kernel"].is_null());
  REQUIRE(document["findings"].size() == 2);
  CHECK(document["findings"][0]["severity"] == "warning");
  const auto both = run({"diagnose",
                         "--esx",
                         table,
                         "--esx-console",
                         (files.root() / "console").string(),
                         "--fail-on",
                         "critical"});
  CHECK(both.code == 3);
  CHECK(both.out.find("rmmod usb-uhci") != std::string::npos);
  CHECK(
      run({"diagnose", "--esx", table, "--shared-count", "100000", "--fail-on", "warning"}).code ==
      0);
}

TEST_CASE("cli: --esx with what is no table", "[cli][diagnose][esx]") {
  FakeTree files;
  files.file("/other", "  CPU0\n 18: 90997 IO-APIC eth0\n");
  const auto other = run({"diagnose", "--esx", (files.root() / "other").string()});
  CHECK(other.code == 2);
  CHECK(other.err.find("no table of interrupts") != std::string::npos);
  CHECK(run({"diagnose", "--esx", (files.root() / "absent").string()}).code == 2);
  CHECK(run({"diagnose", "--esx-console", (files.root() / "other").string()}).code == 2);
}

namespace {

/// A host whose KVM posts interrupts, with posted MSIs of its own, on this kernel.
void post(CapturedHost& host, const std::string& kernel) {
  host.file("/proc/cmdline", "ro intremap=posted_msi\n");
  host.file("/proc/sys/kernel/osrelease", kernel + "\n");
  host.file("/sys/module/kvm_intel/parameters/enable_apicv", "Y\n");
  host.file("/proc/interrupts",
            host.text("/proc/interrupts") + " PMN: 0 0 Posted MSI notification event\n");
}

}  // namespace

TEST_CASE("cli: apply refuses where it would break posted vectors", "[cli][diagnose][apply]") {
  CapturedHost host("libvirt-kvm");
  post(host, "6.12.23");
  const auto before = host.contents("");
  const auto refused = on(host, {"apply"});
  CHECK(refused.code == 1);
  CHECK(refused.out.empty());
  CHECK(refused.err.starts_with("irqtune: kernel 6.12.23 with intremap=posted_msi"));
  CHECK(refused.err.find("--force") != std::string::npos);
  CHECK(host.contents("") == before);
  const auto dry = on(host, {"apply", "--dry-run"});
  CHECK(dry.code == 0);
  CHECK(dry.err.find("intremap=posted_msi") != std::string::npos);
  CHECK(host.contents("") == before);
  const auto forced = on(host, {"apply", "--force"});
  CHECK(forced.code == 0);
  CHECK(forced.err.find("intremap=posted_msi") != std::string::npos);
  CHECK(host.contents() != before);
  const auto again = on(host, {"apply"});  // There is nothing to change, and nothing to refuse.
  CHECK(again.code == 0);
}

TEST_CASE("cli: apply does not refuse where the kernel is built without posted MSIs",
          "[cli][diagnose][apply]") {
  CapturedHost host("libvirt-kvm");
  const auto table = host.text("/proc/interrupts");
  post(host, "6.12.23");
  host.file("/proc/interrupts", table);
  CHECK(on(host, {"apply"}).code == 0);
}

TEST_CASE("cli: apply on a fixed kernel does not refuse", "[cli][diagnose][apply]") {
  CapturedHost host("libvirt-kvm");
  post(host, "6.12.24");
  CHECK(on(host, {"apply"}).code == 0);
}

}  // namespace irqtune::test
