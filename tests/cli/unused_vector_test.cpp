// SPDX-License-Identifier: Apache-2.0
// Vectors that a device has and its guest has not asked for, and what users other than root see.
#include "irqtune/apply/apply.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <unistd.h>

namespace irqtune::test {

namespace {

using Catch::Contains;
using Json = nlohmann::json;

/// Another user, as long as the object lives; nothing where the tests do not run as root.
class OtherUser {
 public:
  OtherUser() : changed_(::geteuid() == 0 && ::seteuid(kNobody) == 0) {}

  OtherUser(const OtherUser&) = delete;
  OtherUser& operator=(const OtherUser&) = delete;
  OtherUser(OtherUser&&) = delete;
  OtherUser& operator=(OtherUser&&) = delete;

  ~OtherUser() {
    if (changed_ && ::seteuid(0) != 0) {
      std::abort();
    }
  }

 private:
  static constexpr uid_t kNobody = 65534;
  bool changed_;
};

/// Adds a vector to the first planned device: in msi_irqs/ and /sys/kernel/irq/N, without a row and
/// without /proc/irq/N.
std::string add_unasked(CapturedHost& host) {
  const auto plan = Json::parse(on(host, {"plan", "--json"}).out);
  const std::string device = plan["assignments"][0]["vector"]["device"];
  constexpr unsigned kIrq = 900;
  constexpr unsigned kIndex = 77;
  host.file(fmt::format("/sys/bus/pci/devices/{}/msi_irqs/{}", device, kIrq), "msix\n");
  const auto dir = fmt::format("/sys/kernel/irq/{}", kIrq);
  host.file(dir + "/actions", "\n");
  host.file(dir + "/chip_name", fmt::format("IR-PCI-MSIX-{}\n", device));
  host.file(dir + "/hwirq", fmt::format("{}\n", kIndex));
  host.file(dir + "/type", "edge\n");
  return fmt::format("{}/msix/{}", device, kIndex);
}

}  // namespace

TEST_CASE("apply: a vector that nobody has asked for yet is noted, and the others are placed",
          "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto before = Json::parse(on(host, {"plan", "--json"}).out)["assignments"].size();
  const auto name = add_unasked(host);
  const auto ran = on(host, {"apply"});
  CHECK(ran.code == 0);
  CHECK_THAT(ran.err, Contains("not in use yet") && Contains(name));
  CHECK_THAT(ran.out, !Contains("vanished"));
  CHECK(Json::parse(on(host, {"plan", "--json"}).out)["assignments"].size() == before);
  CHECK(on(host, {"check"}).code == 0);
  CHECK(on(host, {"apply", "--dry-run"}).code == 0);
  check_refused(on(host, {"explain", "900"}), 2, "not in use yet");

  SECTION("it is placed when it comes to be") {
    const auto device = name.substr(0, name.find("/msix"));
    host.file("/sys/kernel/irq/900/actions", fmt::format("vfio-msix[77]({})\n", device));
    host.file("/proc/irq/900/smp_affinity_list", "0-15\n");
    CHECK(on(host, {"check"}).code == 3);
    CHECK(on(host, {"apply"}).code == 0);
    CHECK(on(host, {"check"}).code == 0);
  }
}

TEST_CASE("check, history, show and plan work for other users after an apply", "[cli][apply]") {
  CapturedHost host("two-vms");
  REQUIRE(on(host, {"apply"}).code == 0);
  std::filesystem::permissions(host.root(), std::filesystem::perms{0755});
  const OtherUser other;
  for (const auto* command : {"check", "history", "show", "plan"}) {
    CAPTURE(command);
    const auto ran = on(host, {command});
    CHECK(ran.code == 0);
    CHECK_THAT(ran.err, !Contains("Permission denied"));
  }
}

TEST_CASE("check and history say what they cannot read, and go on", "[cli][apply]") {
  if (::geteuid() != 0) {
    return;
  }
  CapturedHost host("two-vms");
  REQUIRE(on(host, {"apply"}).code == 0);
  std::filesystem::permissions(host.root(), std::filesystem::perms{0755});
  const auto state = host.root() / "var/lib/irqtune";
  const bool whole = GENERATE(true, false);
  if (whole) {
    std::filesystem::permissions(state, std::filesystem::perms{0700});
  } else {
    for (const auto& entry : std::filesystem::directory_iterator(state / "journal")) {
      std::filesystem::permissions(entry.path(), std::filesystem::perms{0600});
    }
  }
  const OtherUser other;
  const auto check = on(host, {"check"});
  // In a tree the effective files are as they were; the journal that tells so cannot be read, but
  // that there is one can.
  CHECK(check.code == 0);
  CHECK_THAT(check.err, Contains("Permission denied"));
  const auto history = on(host, {"history"});
  CHECK(history.code == 0);
  CHECK_THAT(history.err + history.out, Contains("Permission denied"));
}

TEST_CASE("a root that holds no host is refused", "[cli]") {
  const FakeTree tree({{"/etc/hostname", "h\n"}});
  for (const auto* command : {"check", "plan", "apply", "show"}) {
    CAPTURE(command);
    check_refused(on(tree, {command}), 2, "neither proc/interrupts nor a CPU");
  }
}

}  // namespace irqtune::test
