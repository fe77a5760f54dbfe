// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "irqtune/apply/signals.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <unistd.h>

namespace irqtune::test {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// The masks of the capture's two devices of vm1.
std::string masks_of(const CapturedHost& host, const std::string& device) {
  std::string masks;
  for (const auto& entry : fs::directory_iterator(
           host.root() / fmt::format("sys/bus/pci/devices/{}/msi_irqs", device))) {
    const auto irq = entry.path().filename().native();
    masks += irq + '=' + host.text(fmt::format("/proc/irq/{}/smp_affinity_list", irq));
  }
  return masks;
}

/// Puts every vector of a device onto one CPU, as another irqtune might.
void move_all(CapturedHost& host, const std::string& device, const std::string& cpu) {
  for (const auto& entry : fs::directory_iterator(
           host.root() / fmt::format("sys/bus/pci/devices/{}/msi_irqs", device))) {
    const auto dir = "/proc/irq/" + entry.path().filename().native();
    host.file(dir + "/smp_affinity_list", cpu + '\n');
    host.file(dir + "/effective_affinity_list", cpu + '\n');
  }
}

/// How many descriptors of this process are open on the file.
int open_on(const fs::path& file) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    count += fs::read_symlink(entry.path(), ignored) == file ? 1 : 0;
  }
  return count;
}

constexpr const char* kFirst = "0000:22:00.0";
constexpr const char* kSecond = "0000:24:00.0";

}  // namespace

TEST_CASE("cli: seconds are fractions too, and a wait must fit its timeout", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  check_refused(on(host, {"apply", "--wait-stable=0.9", "--timeout", "0.5"}),
                2,
                "--wait-stable=0.9: longer than --timeout 0.5",
                "longer --timeout");
  check_refused(
      on(host, {"apply", "--wait-stable=90"}), 2, "--wait-stable=90: longer than --timeout 60");
  check_refused(on(host, {"apply", "--wait-stable", "--timeout=1.5"}),
                2,
                "--wait-stable=2: longer than --timeout 1.5");
  CHECK_FALSE(fs::exists(host.root() / "var"));
  // The last of several counts.
  CHECK(on(host, {"apply", "--wait-stable=90", "--wait-stable=0.01", "--timeout=9"}).code == 0);
}

TEST_CASE("cli: vectors that never settle are told, and what is there is applied", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  std::atomic<bool> done = false;
  std::thread guest([&] {
    const auto dir = host.root() / fmt::format("sys/bus/pci/devices/{}/msi_irqs", kFirst);
    fs::path irq = fs::directory_iterator(dir)->path();
    for (int number = 9000; !done; ++number) {  // Never as it was: each look sees another set.
      const auto next = dir / std::to_string(number);
      fs::rename(irq, next);
      irq = next;
      std::this_thread::sleep_for(milliseconds(30));
    }
  });
  const auto ran = on(host, {"apply", "--wait-stable=3", "--timeout", "3.2"});
  done = true;
  guest.join();
  CHECK(ran.code == 4);
  CHECK_THAT(ran.err,
             Catch::Contains("--wait-stable: vectors still came and went after 3.2 s: ") &&
                 Catch::Contains(kFirst));
  CHECK(fs::exists(host.root() / "var"));
}

TEST_CASE("cli: a wait that runs out names what is missing", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  const auto ran =
      on(host, {"apply", "--wait-for", "nobody", "--wait-for", "0000:99:00.0", "--timeout=0.1"});
  CHECK(ran.code == 4);
  CHECK_THAT(ran.err,
             Catch::Contains("--wait-for, after 0.1 s: nobody: does not run") &&
                 Catch::Contains("0000:99:00.0: not passed through"));
  CHECK_THAT(ran.out, Catch::StartsWith("Applied "));
  CHECK(on(host, {"apply", "--wait-for", kFirst, "--timeout=0.1"}).code == 0);
}

TEST_CASE("cli: apply reads the host once", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  const auto ran = on(host, {"apply", "-v"});
  CHECK(ran.code == 0);
  const auto first = ran.err.find("debug: read ");
  REQUIRE(first != std::string::npos);
  CHECK(ran.err.find("debug: read ", first + 1) == std::string::npos);
}

TEST_CASE("cli: what narrows a plan down has no place beside a plan file", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  const auto plan = (host.root() / "plan.json").string();
  REQUIRE(on(host, {"plan", "-o", plan}).code == 0);
  for (const auto* option : {"--device=0000:24:00.0", "--vm=*", "--avoid=0", "--sample=1"}) {
    const std::string name = std::string(option).substr(0, std::string(option).find('='));
    const auto ran = on(host, {"apply", plan, option});
    check_refused(ran, 2, ": the plan is made already", "make it so: irqtune");
    CHECK_THAT(ran.err, Catch::Contains(plan + ": " + name));
  }
  check_refused(
      on(host, {"apply", plan, "--rebalance"}), 2, "--rebalance: the plan is made already");
  // What the config file says of plans is no wish for this one.
  host.file("/etc/irqtune/irqtune.toml", "[policy]\navoid = \"0\"\n");
  CHECK(on(host, {"apply", plan, "--wait-stable=0.01"}).code == 0);
}

TEST_CASE("cli: apply plans on what the last one left, however long it waited", "[cli][apply]") {
  const auto alone = [](bool moved) {
    CapturedHost host("two-vms");
    if (moved) {
      move_all(host, kFirst, "0");
    }
    REQUIRE(on(host, {"apply", "--device", kSecond}).code == 0);
    return masks_of(host, kSecond);
  };
  const auto fresh = alone(true);
  REQUIRE(fresh != alone(false));

  CapturedHost host("two-vms");
  const auto state = host.root() / "var/lib/irqtune";
  auto lock = std::make_unique<Lock>(state, milliseconds(0));
  std::thread second([&] {
    CHECK(on(host, {"apply", "--device", kSecond, "--wait-lock=60"}).code == 0);
  });
  while (open_on(state / "lock") < 2) {  // It has planned, and waits.
    std::this_thread::sleep_for(milliseconds(5));
  }
  move_all(host, kFirst, "0");
  lock.reset();
  second.join();
  CHECK(masks_of(host, kSecond) == fresh);
}

TEST_CASE("cli: a signal before anything is written is the end of apply", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  const auto handler = [] {
    struct sigaction action {};

    ::sigaction(SIGTERM, nullptr, &action);
    return action.sa_handler;
  };
  // Until the guard is there: without it the signal would end the tests.
  std::thread killer([&, before = handler()] {
    while (handler() == before) {
      std::this_thread::sleep_for(milliseconds(5));
    }
    ::kill(::getpid(), SIGTERM);
  });
  const auto ran = on(host, {"apply", "--wait-stable=500", "--timeout=600"});
  killer.join();
  check_refused(ran, 1, "interrupted; nothing was changed");
  CHECK_FALSE(fs::exists(host.root() / "var"));
}

TEST_CASE("apply: what stays on vCPUs' cores is told, quietly too", "[cli][apply]") {
  const CapturedHost host("two-vms");
  const Arguments arguments{"-q", "apply", "--avoid", "0-1,6-9,12-15"};
  const auto ran = on(host, arguments);
  CHECK(ran.out.empty());
  CHECK(ran.err.find(" on vCPUs' cores with these options; `irqtune --root ") != std::string::npos);
  CHECK(ran.err.find(" plan --avoid 0-1,6-9,12-15` says why\n") != std::string::npos);
  CHECK(on(host, {"-qq", "apply", "--avoid", "0-1,6-9,12-15"}).err.empty());
}

}  // namespace irqtune::test
